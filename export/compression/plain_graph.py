"""PlainGraph: the layers of a static network, read from its `.tflite` file."""

import dataclasses

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from tfdyn.errors import UserError

OPERATORS = {v: k for k, v in vars(schema.BuiltinOperator).items() if k.isupper()}
FUSED = schema.ActivationFunctionType
LINEAR = ("conv", "depthwise", "scale", "dense")


@dataclasses.dataclass
class PlainLayer:
    """One layer of a `PlainGraph`.

    Attributes:
        kind: "conv", "depthwise", "dense", "scale" (a weight and a bias a channel),
            "relu", "relu6", "add", "concatenate", "max_pool", "average_pool",
            "global_average" or "pad".
        inputs: Indices of the layers that it reads; -1 is the image.
        settings: Dict of what else it needs, such as its strides.
        kernel: Weights in the layout of Keras, or `None`.
        bias: Bias `(channels,)`, or `None`.
    """

    kind: str
    inputs: list[int]
    settings: dict = dataclasses.field(default_factory=dict)
    kernel: np.ndarray | None = None
    bias: np.ndarray | None = None


class PlainGraph:
    """Reads the layers of a static network from a `.tflite` file of float32.

    Products and sums with constants, such as the normalisation of the image, become
    weights of the layer before them, or a layer "scale".

    Args:
        content: Bytes of the file: the fixed variant, with uint8 images as input.

    Attributes:
        layers: List of `PlainLayer`; the last one returns the logits.
        image_shape: Shape `(height, width, channels)` of the image.
        constants: Mapping from the names of outputs that are the same for all images
            to arrays: `macs` and `route`.

    Raises:
        UserError: If the file has an operation that such layers cannot express.
    """

    def __init__(self, content: bytes):
        self._model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        (self._graph,) = self._model.subgraphs
        (signature,) = self._model.signatureDefs
        outputs = {
            entry.name.decode(): entry.tensorIndex for entry in signature.outputs
        }
        image = signature.inputs[0].tensorIndex
        self.image_shape = tuple(map(int, self._graph.tensors[image].shape[1:]))
        self.layers, self._layer_of = [], {image: -1}
        self._uses = [i for op in self._graph.operators for i in op.inputs]
        for operator in self._graph.operators:
            code = self._model.operatorCodes[operator.opcodeIndex].builtinCode
            self._read(OPERATORS[code], operator)
            if outputs["logits"] in operator.outputs:
                break
        self.constants = {
            name: self._constant(outputs[name]) for name in ("macs", "route")
        }

    def _read(self, name, operator):
        options = operator.builtinOptions
        inputs = [int(i) for i in operator.inputs if i >= 0]
        constants = [self._constant(i) for i in inputs]
        self._minuend_is_constant = constants[0] is not None
        sources = [
            i for i, value in zip(inputs, constants, strict=True) if value is None
        ]
        constants = [value for value in constants if value is not None]
        output = int(operator.outputs[0])
        self._shape = self._graph.tensors[output].shape
        read = getattr(self, f"_read_{name.lower()}", None)
        layers = [self._layer_of[i] for i in sources if i in self._layer_of]
        if read is None or len(layers) != len(sources) or not layers:
            self._refuse(name)
        self._source = sources[0]
        self._layer_of[output] = read(layers, constants, options)
        fused = getattr(options, "fusedActivationFunction", FUSED.NONE)
        kinds = {FUSED.RELU: "relu", FUSED.RELU6: "relu6"}
        if fused in kinds:
            self._layer_of[output] = self._append(
                kinds[fused], [self._layer_of[output]]
            )
        elif fused != FUSED.NONE:
            self._refuse(f"{name} with another activation than ReLU")

    def _refuse(self, what):
        raise UserError(
            f"The network has the operation {what}, which cannot be rebuilt for "
            f"compression. Export it with `python -m export.tflite --variant=fixed "
            f"--precision=int8` instead."
        )

    def _constant(self, index):
        tensor = self._graph.tensors[index]
        data = self._model.buffers[tensor.buffer].data
        if data is None:
            return None
        kinds = {schema.TensorType.FLOAT32: "<f4", schema.TensorType.INT32: "<i4"}
        array = np.frombuffer(bytes(data), kinds.get(tensor.type, "<f4"))
        return array.reshape(tensor.shape)

    def _append(self, kind, inputs, settings=None, kernel=None, bias=None):
        self.layers.append(PlainLayer(kind, inputs, settings or {}, kernel, bias))
        return len(self.layers) - 1

    def _read_cast(self, layers, constants, options):
        return layers[0]

    def _read_conv_2d(self, layers, constants, options):
        kernel, bias = constants
        kernel = kernel.transpose(1, 2, 3, 0)
        return self._append("conv", layers, _window(options), kernel, bias)

    def _read_depthwise_conv_2d(self, layers, constants, options):
        if options.depthMultiplier not in (0, 1):
            self._refuse("DEPTHWISE_CONV_2D with a multiplier")
        kernel, bias = constants
        kernel = kernel.transpose(1, 2, 3, 0)
        return self._append("depthwise", layers, _window(options), kernel, bias)

    def _read_fully_connected(self, layers, constants, options):
        kernel, bias = constants if len(constants) == 2 else (constants[0], None)
        bias = np.zeros(len(kernel), "float32") if bias is None else bias
        return self._append("dense", layers, kernel=kernel.T, bias=bias)

    def _read_reshape(self, layers, constants, options):
        layer, shape = self._linear(layers[0], ("dense",), "RESHAPE"), self._shape[1:]
        layer.kernel = layer.kernel.reshape(-1, *shape)
        layer.bias = layer.bias.reshape(shape)
        return layers[0]

    def _read_sum(self, layers, constants, options):
        layer = self._linear(layers[0], ("dense",), "SUM")
        axes = tuple(int(axis) for axis in constants[0].reshape(-1))
        layer.kernel = layer.kernel.sum(axes)
        layer.bias = layer.bias.sum(tuple(axis - 1 for axis in axes))
        return layers[0]

    def _linear(self, index, kinds, name):
        """Returns a layer that may be changed: nothing else reads its output."""
        alone = index >= 0 and self._uses.count(self._source) == 1
        if not alone or self.layers[index].kind not in kinds:
            self._refuse(name)
        return self.layers[index]

    def _read_mul(self, layers, constants, options):
        return self._affine("MUL", layers, constants, lambda c: (c, 0 * c))

    def _read_sub(self, layers, constants, options):
        if self._minuend_is_constant:
            self._refuse("SUB from a constant")
        return self._affine("SUB", layers, constants, lambda c: (1 + 0 * c, -c))

    def _read_add(self, layers, constants, options):
        if constants:
            return self._affine("ADD", layers, constants, lambda c: (1 + 0 * c, c))
        return self._append("add", layers)

    def _affine(self, name, layers, constants, terms):
        """Multiplies the output of a layer by a constant, or adds one to it."""
        if len(layers) != 1:
            self._refuse(f"{name} of two activations")
        factor, summand = terms(constants[0])
        (index,) = layers
        if np.all(factor == 1) and np.all(summand == 0):
            return index
        alone = index >= 0 and self._uses.count(self._source) == 1
        if not alone or self.layers[index].kind not in LINEAR:
            channels = int(self._shape[-1])
            if factor.size not in (1, channels) or len(self._shape) != 4:
                self._refuse(f"{name} by more than one number a channel")
            kernel = np.ones((1, 1, channels, 1), "float32")
            index = self._append("scale", layers, {}, kernel, np.zeros(channels))
        _scale(self.layers[index], factor, summand)
        return index

    def _read_concatenation(self, layers, constants, options):
        if constants or options.axis not in (3, -1):
            self._refuse("CONCATENATION of another axis than channels")
        return self._append("concatenate", layers)

    def _read_relu(self, layers, constants, options):
        return self._append("relu", layers)

    def _read_relu6(self, layers, constants, options):
        return self._append("relu6", layers)

    def _read_max_pool_2d(self, layers, constants, options):
        return self._append("max_pool", layers, _window(options))

    def _read_average_pool_2d(self, layers, constants, options):
        return self._append("average_pool", layers, _window(options))

    def _read_mean(self, layers, constants, options):
        if sorted(constants[0].reshape(-1).tolist()) != [1, 2] or options.keepDims:
            self._refuse("MEAN of other axes than height and width")
        return self._append("global_average", layers)

    def _read_pad(self, layers, constants, options):
        amounts = constants[0].tolist()
        if amounts[0] != [0, 0] or amounts[3] != [0, 0]:
            self._refuse("PAD of other axes than height and width")
        return self._append("pad", layers, {"padding": amounts[1:3]})


def _scale(layer, factor, summand):
    """Multiplies what a linear layer returns by a constant and adds another one."""
    shape = layer.bias.shape
    # Without the axis of the batch.
    factor, summand = (
        np.broadcast_to(
            each.reshape(each.shape[max(0, each.ndim - len(shape)) :]), shape
        )
        for each in (factor, summand)
    )
    depthwise = layer.kind in ("depthwise", "scale")
    layer.kernel = layer.kernel * (factor[:, None] if depthwise else factor)
    layer.bias = layer.bias * factor + summand


def _window(options):
    """Returns the settings of a convolution or pooling."""
    if getattr(options, "dilationHFactor", 1) > 1:
        raise UserError("A dilated convolution cannot be rebuilt for compression.")
    settings = {
        "strides": (options.strideH, options.strideW),
        "padding": "same" if options.padding == schema.Padding.SAME else "valid",
    }
    if hasattr(options, "filterHeight"):
        settings["pool_size"] = (options.filterHeight, options.filterWidth)
    return settings
