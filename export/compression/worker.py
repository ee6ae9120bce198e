"""Worker: compresses a static network in a process of its own, as `compressor` asks.

TFMOT works on tf_keras, and importing it switches the whole process to that.
"""

import dataclasses
import json
import os
import pathlib
import sys
import time

METHODS = ("qat", "prune", "cluster", "prune+qat")
# Largest difference of the rebuilt model's logits, in units of the largest logit.
TOLERANCE = 1e-3


@dataclasses.dataclass
class Job:
    """What the worker does.

    Attributes:
        base: Path of the `.tflite` file of the static network, in float32.
        output: Path of the `.tflite` file to write.
        run: Path of the run, whose data are trained on.
        data_dir: Folder of the data, or `None` for that of the training.
        method: One of `METHODS`.
        epochs: Epochs of each of the method's stages.
        learning_rate: Learning rate of the first step; it falls to 0 as a cosine.
        batch_size: Number of images in a batch.
        sparsity: Share of the weights that pruning sets to 0.
        clusters: Number of values in a clustered kernel.
        calibration_images: Number of training images on which ranges are observed.
        int8_io: Whether image, logits and probabilities are int8.
        train_images: Largest number of training images of an epoch, or `None`.
    """

    base: str
    output: str
    run: str
    data_dir: str | None
    method: str
    epochs: int
    learning_rate: float
    batch_size: int
    sparsity: float
    clusters: int
    calibration_images: int
    int8_io: bool
    train_images: int | None = None


def compress(job: Job) -> dict:
    """Rebuilds, fine-tunes and converts a network.

    Args:
        job: `Job`.

    Returns:
        A dict ready for JSON: `rebuilt_difference`, of the logits; `history`, a list
        of the epochs with stage, loss and accuracy on training images; `sparsity`, the
        share of weights that pruning set to 0; and `seconds`.

    Raises:
        UserError: If the network has an operation that cannot be rebuilt, or the data
            are missing.
    """
    from export.compression import int8_file, methods
    from export.compression.data import TrainingData
    from export.compression.plain_graph import PlainGraph
    from export.compression.rebuild import rebuild, with_probabilities
    from tfdyn.output import quiet

    start = time.perf_counter()
    graph = PlainGraph(pathlib.Path(job.base).read_bytes())
    data = TrainingData(job)
    model = rebuild(graph)
    images = data.calibration_images()
    result = {"rebuilt_difference": _check(model, job.base, images[:8]), "history": []}

    def fit(stage):
        return lambda model, callbacks: result["history"].extend(
            data.fit(model, stage, callbacks)
        )

    if "prune" in job.method:
        model = methods.prune(model, fit("prune"), job.sparsity, data.steps)
    if job.method == "cluster":
        model = methods.cluster(model, fit("cluster"), job.clusters)
    if "prune" in job.method:
        result["sparsity"] = methods.sparsity_of(model)
    if "qat" in job.method:
        keep = "prune" in job.method
        model = methods.quantize(model, fit("qat"), images, keep)
        images = None
    else:
        model = with_probabilities(model)
    with quiet():
        content = int8_file.convert(model, images, graph.constants, job.int8_io)
    pathlib.Path(job.output).write_bytes(content)
    return {**result, "seconds": round(time.perf_counter() - start, 1)}


def _check(model, base, images):
    """Returns how far the logits of the model are from those of the file."""
    import numpy as np

    from export.interpreter import Interpreter
    from tfdyn.output import quiet

    with quiet():  # LiteRT prints the name of its delegate.
        interpreter = Interpreter(base)
    pixels = images.astype("uint8")
    expected = np.stack([interpreter(image=image)["logits"][0] for image in pixels])
    difference = np.abs(model(images).numpy() - expected).max() / np.abs(expected).max()
    if not difference <= TOLERANCE:
        raise RuntimeError(
            f"The rebuilt network's logits differ by {difference:.1e} of the largest "
            f"from those of {base}."
        )
    return float(difference)


def main() -> None:
    """Runs the job in the file that is the argument; prints one JSON object."""
    from tfdyn import output
    from tfdyn.errors import explain

    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    output.start_tensorflow()
    job = Job(**json.loads(pathlib.Path(sys.argv[1]).read_text()))
    try:
        result = compress(job)
    except Exception as error:
        if not (text := explain(error)):
            raise
        result = {"error": text}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
