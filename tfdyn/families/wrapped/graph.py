"""Graph: a functional or sequential Keras model as a list of calls of operations.

It is read from the model's configuration, which is what a `.keras` file holds. A node
is a dict that is ready for JSON:

 - `name`: the name of the operation, a layer or one of `keras.ops`. It is unique;
 - `operation`: the operation, as `keras.saving.serialize_keras_object` returns it;
 - `args`, `kwargs`: the arguments of its call. A tensor is `{"tensor": NAME}`, where
   NAME is the node that computed it, or `IMAGE`.
"""

import dataclasses

import keras

from tfdyn.errors import UserError
from tfdyn.layers.keras_internals import is_functional

IMAGE = "image"


@dataclasses.dataclass(frozen=True)
class Graph:
    """A model of one input and one output, without models inside it.

    Attributes:
        nodes: List of the nodes. Each comes after the nodes whose outputs it reads. The
            output of the last one is that of the model.
        input_shape: Shape of an image, `(height, width, channels)`.
        operations: Mapping from the name of each node to the model's own operation,
            which has its weights.
    """

    nodes: list[dict]
    input_shape: tuple[int, int, int]
    operations: dict[str, keras.Operation]


def read_graph(model: keras.Model) -> Graph:
    """Reads the graph of a model. Models inside it are replaced by their own graphs.

    Args:
        model: Functional or sequential model, built.

    Raises:
        UserError: If the model is of another kind, has several inputs or outputs, or
            has a layer that cannot be read.
    """
    _check_kind(model)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UserError(
            f"{model.name} has {len(model.inputs)} inputs and {len(model.outputs)} "
            f"outputs: only models of one image and one output can be wrapped. Build a "
            f"model of one of them, keras.Model(model.inputs[0], model.outputs[0])."
        )
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) != 3 or None in shape:
        raise UserError(
            f"{model.name} reads inputs of the shape {shape}: only images of a fixed "
            f"height, width and number of channels are taken. Build the model with "
            f"input_shape=(height, width, channels)."
        )
    nodes, operations = [], {}
    output = _add_model(model, IMAGE, "", nodes, operations)
    return Graph(_that_matter(nodes, output), shape, operations)


def kind_of(node: dict) -> str:
    """Returns the class of a node's operation, such as "Conv2D", if it is Keras's.

    Returns an empty text for a class of the user's own, whatever its name.
    """
    operation = node["operation"]
    is_keras = str(operation["module"]).split(".")[0] == "keras"
    return operation["class_name"] if is_keras else ""


def make_operation(node: dict) -> keras.Operation:
    """Makes a new operation of a node, without weights yet."""
    # Wrapper layers change the configuration that they are made from.
    return keras.saving.deserialize_keras_object(_copy(node["operation"]))


def _copy(value):
    """Copies dicts and lists. What they hold may be a whole model's tensor."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [*map(_copy, value)] if isinstance(value, list) else value


def inputs_of(node: dict) -> list[str]:
    """Returns the names of the tensors that a node reads, each once, in order."""
    return list(dict.fromkeys(references_of(node)))


def references_of(node: dict) -> list[str]:
    """Returns the names of the tensors that a node reads, as often as it does."""
    names = []

    def collect(value):
        if isinstance(value, dict):
            if set(value) == {"tensor"}:
                names.append(value["tensor"])
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                collect(item)

    collect([node["args"], node["kwargs"]])
    return names


def _check_kind(model):
    """Raises a `UserError` that says what to do with a model of another kind."""
    name = type(model).__name__
    if type(model).__module__.startswith("tf_keras"):
        raise UserError(
            f"{name} is a model of tf_keras, which is Keras 2: save it there as a "
            f".keras file, and load that with Keras 3, keras.saving.load_model(path)."
        )
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise UserError(
                f"{model.name} is not built: begin it with "
                f"keras.Input((height, width, channels)), or call model.build(shape)."
            )
    elif not is_functional(model):
        raise UserError(
            f"{name} is not a functional or sequential Keras model, and so has no "
            f"graph of layers that could be read. Build it as keras.Model(inputs, "
            f"outputs). A SavedModel has no layers any more: start from the Keras "
            f"model that it was made of."
        )


def _add_model(model, image, prefix, nodes, operations):
    """Adds the nodes of a model, and returns the name of its output tensor."""
    layers = {
        operation.name: operation
        for operation in getattr(model, "operations", model.layers)
    }
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            args = [{"tensor": image}]
            image = _add_call(layer, args, {}, prefix, nodes, operations)
        return image
    config = model.get_config()
    if "output_layers" not in config:
        raise UserError(
            f"{model.name} is a {type(model).__name__}, whose configuration has no "
            f"layers. Build it as keras.Model(inputs, outputs), without a class."
        )
    (name, _, _), outputs = _only(config["input_layers"]), {}
    outputs[name] = image
    for entry in config["layers"]:
        name, calls = entry["name"], entry["inbound_nodes"]
        if name in outputs:
            continue
        if len(calls) != 1:
            raise UserError(
                f"{prefix}{name} is called {len(calls)} times: models that share a "
                f"layer cannot be wrapped. Use a layer of its own for each call."
            )
        args = _convert(calls[0]["args"], outputs, name)
        kwargs = _convert(calls[0]["kwargs"], outputs, name)
        outputs[name] = _add_call(layers[name], args, kwargs, prefix, nodes, operations)
    return outputs[_only(config["output_layers"])[0]]


def _only(entry):
    """Returns the one tensor of a configuration's inputs or outputs."""
    while not isinstance(entry, (list, tuple)) or isinstance(entry[0], (list, tuple)):
        entry = list(entry.values()) if isinstance(entry, dict) else entry
        if len(entry) != 1:
            raise UserError(
                f"A model inside the model has {len(entry)} inputs or outputs: only "
                f"models of one input and one output are taken."
            )
        (entry,) = entry
    return entry


def _convert(value, outputs, layer):
    """Replaces Keras's symbolic tensors by names of tensors in arguments."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            name, _, index = value["config"]["keras_history"]
            if index or name not in outputs:
                raise UserError(
                    f"{layer} reads an output of {name} that is not its only one: "
                    f"layers of several outputs cannot be wrapped."
                )
            return {"tensor": outputs[name]}
        return {key: _convert(item, outputs, layer) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_convert(item, outputs, layer) for item in value]
    return value


def _add_call(operation, args, kwargs, prefix, nodes, operations):
    """Adds a call of an operation, and returns the name of its output tensor."""
    if isinstance(operation, keras.layers.InputLayer):
        return args[0]["tensor"]
    name = f"{prefix}{operation.name}"
    while name in operations or name == IMAGE:
        name += "_"
    if isinstance(operation, keras.Model):
        args = args or list(kwargs.values())[:1]
        if len(args) != 1 or list(args[0]) != ["tensor"]:
            raise UserError(
                f"{name}, a model inside the model, reads several inputs: only models "
                f"of one input are taken. Call its layers outside it."
            )
        _check_kind(operation)
        inner = f"{name}_"
        return _add_model(operation, args[0]["tensor"], inner, nodes, operations)
    if isinstance(operation, keras.layers.Lambda):
        raise UserError(
            f"{name} is a Lambda layer, whose Python code no file can hold. Write it "
            f"with keras.ops, or as a layer that is registered "
            f"(keras.saving.register_keras_serializable)."
        )
    _check_operation(operation, name)
    try:
        config = keras.saving.serialize_keras_object(operation)
        make_operation({"operation": config})
    except Exception as error:  # Of any kind, by the layer's own code.
        raise UserError(
            f"{name}, a {type(operation).__name__}, cannot be copied: Keras cannot "
            f"make it from its configuration ({_first_line(error)}). Register its "
            f"class with keras.saving.register_keras_serializable, and give it a "
            f"get_config."
        ) from error
    config.pop("build_config", None)
    config["config"] = {**config["config"], "name": name}
    if isinstance(operation, keras.Layer) and "dtype" in config["config"]:
        config["config"]["dtype"] = "float32"  # Mixed precision has weights of it, too.
    # As a functional model, which replaces `training` by that of its own call.
    kwargs = {k: v for k, v in kwargs.items() if v is not None and k != "training"}
    nodes.append({"name": name, "operation": config, "args": args, "kwargs": kwargs})
    operations[name] = operation
    return name


def _check_operation(operation, name):
    """Raises a `UserError` if an operation cannot be a node."""
    if isinstance(getattr(operation, "output", None), (list, tuple, dict)):
        raise UserError(
            f"{name}, a {type(operation).__name__}, has several outputs: layers of one "
            f"output only can be wrapped."
        )
    if getattr(operation, "data_format", None) == "channels_first":
        raise UserError(
            f"{name} has its channels first: only models of images (height, width, "
            f"channels) are taken. Build the model with "
            f"data_format='channels_last'."
        )
    policy = getattr(operation, "dtype_policy", None)
    if getattr(policy, "quantization_mode", None):
        raise UserError(
            f"{name} is quantized: wrap the model of float32 weights, and quantize the "
            f"exported file, `python -m export.tflite --precision=int8`."
        )


def _first_line(error):
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:120]


def _that_matter(nodes, output):
    """Returns the nodes on which the output depends; the output's node is the last."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if node["name"] in needed:
            kept.append(node)
            needed.update(inputs_of(node))
    return kept[::-1]
