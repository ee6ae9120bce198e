"""DMNN, Dynamic Multi-path Neural Network (Su et al., 2019), and its static twins.

A router is what the paper calls a controller. Without routers, and with one sub-block
in each block, the network is ResNet or MobileNetV2.
"""

import keras
from keras import ops

from tfdyn.families.dmnn.arguments import check
from tfdyn.families.dmnn.block import make_block
from tfdyn.families.dmnn.category_heads import CategoryHeads
from tfdyn.families.dmnn.rate_control import RateControl
from tfdyn.families.dmnn.router import GateRouter
from tfdyn.families.dmnn.selection import GateSelection
from tfdyn.layers.chain import build_layer
from tfdyn.layers.heads import ClassifierHead, ConvolutionHead
from tfdyn.layers.stem import RESIDUAL_STEMS, ResidualStem
from tfdyn.models.routed_model import RoutedModel
from tfdyn.models.sizes import image_shape
from tfdyn.routing.route import select_mixed_ops


@keras.saving.register_keras_serializable("tfdyn")
class DMNN(RoutedModel):
    """Classifies images with residual blocks of optional sub-blocks (DMNN section 3).

    A router in front of each block decides, for each image, which of the block's
    sub-blocks run.

    ```python
    stages = [(64, 16, 2, 1), (128, 32, 2, 2)]
    model = DMNN((32, 32, 3), 10, stages, sub_blocks=2, stem="small")
    outputs = model(images)                     # logits, and the route of each image
    outputs = model(images, threshold=1.0)      # all sub-blocks
    outputs = model(images, route=my_route)     # routers bypassed
    ```

    Args:
        input_shape: Three integers: height, width (in pixels) and channels of the
            images.
        num_classes: Integer, number of classes.
        stages: List of stages, each `(filters, width, blocks, strides)`. `filters`:
            integer, channels after each block. `width`: for bottlenecks, the number of
            channels inside a sub-block; for inverted residuals, this number divided by
            the number of input channels. `blocks`: number of blocks. `strides`: stride
            of the first block.
        sub_blocks: Integer N, number of sub-blocks of each block.
        sub_block: String, "bottleneck" (ResNet) or "inverted_residual" (MobileNetV2).
        stem: String, a key of `tfdyn.layers.stem.RESIDUAL_STEMS`.
        stem_filters: Integer, number of channels after the stem.
        head_filters: Integer, number of channels of a 1x1 convolution before the
            classifier; 0 for no convolution.
        projection: Boolean, whether blocks that change the shape of their input have
            a shortcut, a 1x1 convolution. All other blocks have the identity.
        divide_inputs: Boolean, for inverted residuals: whether a block without
            expansion (E=1, the first of MobileNetV2) is split by its input channels.
            Each sub-block then reads 1/N of them, and the shortcut, with `projection`,
            is the mean of groups of channels. Otherwise each sub-block has a 1x1
            convolution that MobileNetV2 does not have.
        units: Integer d, size of each router's state.
        previous_state: Boolean, whether each router reads the state of the router
            before it.
        normalized_routers: Boolean, whether the routers have batch normalisation. The
            paper's routers have none.
        beliefs: Boolean, whether each router reads how sure the network already is of
            the class (`tfdyn.layers.beliefs`). The paper has no such thing.
        rate_bias: Float from 0 to 1. Above 0, each gate has a bias that is not learnt:
            each training step moves it by this number, so that the gate opens for a
            target share of the images (`rate_control`). The paper has no such thing.
        category_heads: Integer K, number of categories that heads on the routers learn
            to classify, in training only; 0 for no heads.
        selection: String. "gumbel_softmax": with Gumbel noise in training. "softmax":
            without noise. "none": no routers, all sub-blocks run at any T.
        threshold: T in (0, 1], a float or a list with one float for each block. A
            sub-block runs if its probability of not running is below T.
        seed: Integer, seed of the Gumbel noise; `None` for a random seed.

    The call is that of `RoutedModel`. In training, with routers, its result also has
    `choice_probabilities`, a tensor `(batch, blocks * N, 2)`: whether
    each sub-block runs, without noise. With `beliefs` it has `belief_logits`
    `(batch, blocks, num_classes)`, with `category_heads` `category_logits`
    `(batch, blocks, K)`.

    Raises:
        UserError: If an argument has a wrong value.
    """

    training_heads = ("category_heads",)
    at_least_1 = ("num_classes", "sub_blocks", "stem_filters", "units")
    at_most = {"sub_blocks": 64, "stem_filters": 4096, "units": 4096}
    binary = True

    def __init__(
        self,
        input_shape,
        num_classes,
        stages,
        sub_blocks=2,
        sub_block="bottleneck",
        stem="resnet",
        stem_filters=64,
        head_filters=0,
        projection=True,
        divide_inputs=False,
        units=32,
        previous_state=True,
        normalized_routers=False,
        beliefs=False,
        rate_bias=0.0,
        category_heads=0,
        selection="gumbel_softmax",
        threshold=0.5,
        seed=None,
        name="dmnn",
        **kwargs,
    ):
        arguments = {
            "input_shape": image_shape(input_shape),
            "num_classes": num_classes,
            "stages": [list(stage) for stage in stages],
            "sub_blocks": sub_blocks,
            "sub_block": sub_block,
            "stem": stem,
            "stem_filters": stem_filters,
            "head_filters": head_filters,
            "projection": projection,
            "divide_inputs": divide_inputs,
            "units": units,
            "previous_state": previous_state,
            "normalized_routers": normalized_routers,
            "beliefs": beliefs,
            "rate_bias": rate_bias,
            "category_heads": int(category_heads),
            "selection": selection,
            "seed": seed,
        }
        super().__init__(arguments, threshold=threshold, name=name, **kwargs)
        check(arguments)
        self.selection = GateSelection(selection != "softmax", seed, name="selection")
        self.selection.build()
        shape = (None, *input_shape)
        max_value = 6.0 if sub_block == "inverted_residual" else None
        self.stem = ResidualStem(
            stem_filters, *RESIDUAL_STEMS[stem], max_value=max_value, name="stem"
        )
        shape = build_layer(self.stem, shape)
        self.blocks, self.routers, self.stage_of_block = [], [], []
        for stage, (_, _, blocks, _) in enumerate(stages):
            for index in range(blocks):
                if selection != "none":
                    self.routers.append(self._router(shape))
                name = f"stage_{stage}_block_{index}"
                block = make_block(
                    arguments, stages[stage], index == 0, shape[-1], name
                )
                shape = build_layer(block, shape)
                self.blocks.append(block)
                self.stage_of_block.append(stage)
        self.rate_control = None
        if rate_bias and self.routers:
            self.rate_control = RateControl(rate_bias, name="rate_control")
            self.rate_control.build()
        self.category_heads = None
        if category_heads:
            self.category_heads = CategoryHeads(category_heads, name="category_heads")
            self.category_heads.build([(None, units)] * len(self.routers))
        if head_filters:
            self.head = ConvolutionHead(head_filters, num_classes, name="head")
        else:
            self.head = ClassifierHead(num_classes, name="head")
        self.head.build(shape)
        self.finish()

    def _router(self, shape):
        units = self.arguments["units"]
        previous = self.arguments["previous_state"] and bool(self.routers)
        name = f"router_{len(self.routers)}"
        router = GateRouter(
            self.arguments["sub_blocks"],
            units,
            previous,
            self.arguments["normalized_routers"],
            self.arguments["num_classes"] if self.arguments["beliefs"] else 0,
            moved_bias=self.arguments["rate_bias"] > 0,
            name=name,
        )
        router.build([shape, (None, units)] if previous else shape)
        return router

    @property
    def mixed_ops(self):
        """List of the MixedOp of each block, in the order of a list of thresholds."""
        return [block.mixed_op for block in self.blocks]

    @property
    def least_branches(self):
        """List of 0 for each block: the shortcut runs if no sub-block does."""
        return [0] * len(self.blocks)

    def begin(self, images):
        return self.stem(images)

    def advance(self, state, index, weights):
        block = self.blocks[index]
        return block(state, weights[block.mixed_op.name])

    def call(self, images, route=None, threshold=None, training=False):
        result, looks = self._run(images, route, threshold, training)
        if training and looks:
            states, logits, beliefs = zip(*looks, strict=True)
            logits = ops.concatenate(logits, axis=1)
            probabilities = self.selection.probabilities(logits)
            result["choice_probabilities"] = probabilities
            if self.arguments["beliefs"]:
                result["belief_logits"] = ops.stack(sum(beliefs, []), axis=1)
            if self.category_heads:
                result["category_logits"] = self.category_heads(states)
            if self.rate_control:
                self.rate_control.move(self.routers, probabilities)
        return result

    def margins(self, images):
        """Returns by how much each gate is open, the difference of its two logits.

        Args:
            images: Tensor `(batch, height, width, channels)`.

        Returns:
            Float32 tensor `(batch, blocks * N)`, computed as in inference at T=0.5.
            There a gate is open if its margin is above 0.
        """
        _, looks = self._run(images, threshold=0.5)
        logits = ops.concatenate([look[1] for look in looks], axis=1)
        return logits[..., 1] - logits[..., 0]

    def _run(self, images, route=None, threshold=None, training=False):
        """Returns logits and route, and for each router state, logits and beliefs."""
        thresholds = self.thresholds(threshold)
        if route is not None:
            route = select_mixed_ops(route, self.mixed_ops)
        outputs, routes, looks = self.stem(images), {}, []
        for index, block in enumerate(self.blocks):
            name = block.mixed_op.name
            if route is not None:
                weights = route[name]
            elif self.routers:
                router = self.routers[index]
                inputs = [outputs, looks[-1][0]] if router.previous_state else outputs
                logits, state, *beliefs = router(inputs, training=training)
                weights = self.selection(logits, thresholds[index], training=training)
                looks.append((state, logits, beliefs))
            else:
                weights = ops.ones((ops.shape(images)[0], len(block.mixed_op.branches)))
            routes[name] = weights
            outputs = block(outputs, weights)
        return {"logits": self.head(outputs), "route": routes}, looks
