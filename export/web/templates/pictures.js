// Pictures: from test images, files and the camera to the pixels that a network reads.

/** Returns a canvas of a size. */
function makeCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

/** Returns a canvas's context for many reads. */
function reader(canvas) {
  return canvas.getContext("2d", { willReadFrequently: true });
}

/**
 * Cuts the middle out of a picture, and makes it as large as the network's input.
 * Halves it several times first: a browser that shrinks a photograph at once skips pixels.
 * @param picture An image, video or canvas.
 * @param size Its width and height.
 * @param target Width and height of the result.
 */
export function cropped(picture, [width, height], [targetWidth, targetHeight]) {
  const scale = Math.min(width / targetWidth, height / targetHeight);
  let [w, h] = [scale * targetWidth, scale * targetHeight];
  let canvas = makeCanvas(Math.max(1, Math.round(w)), Math.max(1, Math.round(h)));
  let context = reader(canvas);
  context.fillStyle = "#fff"; // What lies behind a picture that is transparent.
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h, 0, 0, canvas.width, canvas.height);
  while (canvas.width > targetWidth || canvas.height > targetHeight || canvas.width !== targetWidth) {
    [w, h] = [canvas.width, canvas.height];
    const next = makeCanvas(
      w >= 2 * targetWidth ? w >> 1 : targetWidth,
      h >= 2 * targetHeight ? h >> 1 : targetHeight,
    );
    context = reader(next);
    context.imageSmoothingQuality = "high";
    context.drawImage(canvas, 0, 0, w, h, 0, 0, next.width, next.height);
    canvas = next;
  }
  return canvas;
}

/** Returns the pixels of a canvas as the network's input: 0 to 255, or normalised. */
export function pixelsOf(canvas, input) {
  const channels = input.shape[2];
  const { data } = reader(canvas).getImageData(0, 0, canvas.width, canvas.height);
  const isBytes = input.dtype === "uint8";
  const pixels = new (isBytes ? Uint8Array : Float32Array)(canvas.width * canvas.height * channels);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    for (let channel = 0; channel < channels; channel++, to++) {
      let value = data[from + channel];
      if (channels === 1) {
        value = Math.round(0.299 * data[from] + 0.587 * data[from + 1] + 0.114 * data[from + 2]);
      }
      pixels[to] = isBytes ? value : (value / 255 - input.mean[channel]) / input.std[channel];
    }
  }
  return pixels;
}

/** The test images, which lie in one file. */
export class Sheet {
  static async load(images, input) {
    const sheet = new Image();
    sheet.src = images.file;
    await sheet.decode();
    return new Sheet(sheet, images, input);
  }

  constructor(sheet, images, input) {
    Object.assign(this, { sheet, images, input });
  }

  /** Returns a canvas with the image of an index. */
  canvas(index) {
    const [height, width] = this.input.shape;
    const [left, top] = this.place(index);
    const canvas = makeCanvas(width, height);
    reader(canvas).drawImage(this.sheet, left * width, top * height, width, height, 0, 0, width, height);
    return canvas;
  }

  place(index) {
    const { columns } = this.images;
    return [index % columns, Math.floor(index / columns)];
  }

  /** Returns the CSS that shows the image of an index as a background. */
  background(index) {
    const { columns, file, items } = this.images;
    const rows = Math.ceil(items.length / columns);
    const [left, top] = this.place(index);
    const at = (place, count) => (count > 1 ? (100 * place) / (count - 1) : 0);
    return (
      `background-image: url(${file}); background-size: ${100 * columns}% ${100 * rows}%; ` +
      `background-position: ${at(left, columns)}% ${at(top, rows)}%`
    );
  }
}

/** Returns a canvas with the middle of a picture file; throws if it is none. */
export async function readFile(file, input) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name || "What was dropped"} is no image that this page can read. Choose a PNG or JPEG.`);
  }
  const [height, width] = input.shape;
  const canvas = cropped(picture, [picture.width, picture.height], [width, height]);
  picture.close();
  return canvas;
}
