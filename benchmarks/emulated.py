"""What runs on both processors: an exported file on a few images.

The emulator runs this file as a script: `emulated.py MODEL INPUTS OUTPUTS`.
"""

import os
import sys

import numpy as np

from export.interpreter import Interpreter


def run(path: str, inputs: dict[str, np.ndarray], again: bool = False) -> dict:
    """Runs an exported file, image by image.

    Args:
        path: The `.tflite` file.
        inputs: Mapping from names of inputs to arrays `(n, ...)`, a row for each image.
        again: Whether to run all images a second time, with a call of `os.getppid`
            before and after each: there the emulator counts. In the first run some
            branches are prepared.

    Returns:
        Mapping from names of outputs to arrays `(n, ...)`.
    """
    interpreter = Interpreter(path)
    rows = [
        {name: array[index] for name, array in inputs.items()}
        for index in range(len(inputs["image"]))
    ]
    outputs = [interpreter(**row) for row in rows]
    for row in rows if again else []:
        interpreter.set(**row)
        os.getppid()
        interpreter.invoke()
        os.getppid()
    return {name: np.stack([row[name][0] for row in outputs]) for name in outputs[0]}


if __name__ == "__main__":
    model, source, target = sys.argv[1:]
    with np.load(source) as arrays:
        np.savez(target, **run(model, dict(arrays), again=True))
