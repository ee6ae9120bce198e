"""Original: the file of a user's Keras model, and what tfdyn needs to know of it."""

import functools
import random

import keras

from tfdyn.errors import UserError
from tfdyn.families.wrapped.graph import Graph, read_graph
from tfdyn.families.wrapped.pieces import output_shapes
from tfdyn.families.wrapped.pixels import normalized
from tfdyn.reading import check_file

LARGEST = 2**31


def graph_of(settings) -> Graph:
    """Reads the graph of the model of a run, which takes the images of its data.

    Args:
        settings: `Settings` with `model`.

    Raises:
        UserError: If the file holds no model that can be wrapped, or its images or
            classes are not those of the data.
        OSError: If the file cannot be read.
    """
    # Here, because networks are also built where there is no TensorFlow.
    from tfdyn.data.dataset import input_format_of

    if not settings.model:
        raise UserError(
            "--model is missing: the .keras file of the model that is made dynamic."
        )
    path, graph = settings.model, load_graph(settings.model)
    input_format = input_format_of(
        settings.dataset, settings.data_dir, settings.image_size
    )
    if graph.input_shape != input_format.shape:
        raise UserError(
            f"{path} reads images of the shape {graph.input_shape}, but those of "
            f"--dataset={settings.dataset} have {input_format.shape}. Name another "
            f"data set, or the model's height by --image_size={graph.input_shape[0]}."
        )
    shape = output_shapes(graph.nodes, graph.input_shape)[graph.nodes[-1]["name"]]
    if shape != (len(input_format.class_names),):
        raise UserError(
            f"{path} has an output of the shape {shape}, but "
            f"--dataset={settings.dataset} has {len(input_format.class_names)} "
            f"classes. Name the data set that it was trained on, by --dataset and "
            f"--data_dir."
        )
    return normalized(graph, settings.preprocessing, input_format)


def load_graph(path) -> Graph:
    """Reads the graph of the model in a file.

    Args:
        path: Path of a `.keras` file.

    Raises:
        UserError: If the file holds no model that can be wrapped.
        OSError: If the file cannot be read.
    """
    path = check_file(path, LARGEST)
    return read_graph(_load(path, path.stat().st_mtime_ns))


@functools.lru_cache(1)
def _load(path, changed) -> keras.Model:
    """Loads a model file. `changed`, its time, tells a new file of the same name."""
    state = random.getstate()
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:
        # For a broken file Keras raises errors of JSON, HDF5 and its own.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        if "Lambda" in str(error):
            raise UserError(
                f"{path} has a Lambda layer, whose Python code is not loaded from a "
                f"file. Write it with keras.ops, or wrap the model in Python by "
                f"tfdyn.wrap(model)."
            ) from error
        text = lines[0][:200] if lines else "no reason given"
        raise UserError(
            f"{path} cannot be loaded by Keras 3 ({type(error).__name__}: {text}). "
            f"Expected a whole file of model.save('NAME.keras'). Layers of your own "
            f"need tfdyn.wrap(model) in Python."
        ) from error
    finally:
        # Keras draws seeds for layers. Those of routers shall not depend on the cache.
        random.setstate(state)
