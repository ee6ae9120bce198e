// Camera: hands on one picture after the other.

/** The camera of this device, shown in a video element. */
export class Camera {
  constructor(video) {
    this.video = video;
    this.stream = null;
  }

  get isOn() {
    return this.stream !== null;
  }

  /** Starts the camera; throws an error that says why it cannot. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error(
        "Browsers give the camera to pages from https:// or this machine only. " +
          "“Photograph or file” takes a picture without it.",
      );
    }
    try {
      const video = { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      const reasons = {
        NotAllowedError: "it was refused. Allow it in the browser's settings of this page, and try again",
        NotFoundError: "this device has none",
        NotReadableError: "another program uses it",
      };
      throw new Error(`The camera cannot be used: ${reasons[error.name] ?? error.message}.`);
    }
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
  }
}
