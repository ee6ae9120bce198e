"""Trains a plain ResNet for CIFAR-10: a network that is not dynamic yet.

`python -m benchmarks.plain_resnet --depth=8 --epochs=12 --output=resnet8.keras`
`KERAS_BACKEND=jax python -m benchmarks.plain_resnet --images=cifar10.npz
--output=resnet32.keras`

He et al., Deep Residual Learning for Image Recognition (2016), section 4.2: three
groups of (depth - 2) / 6 blocks with 16, 32 and 64 channels. Shortcuts that
change the shape are 1x1 convolutions here. The file is a functional model of Keras's
own layers. `benchmarks.jax_training` shows how to make the file of images.
"""

import importlib
import time

import keras
from absl import flags
from keras import layers

from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings

FLAGS = flags.FLAGS


def resnet(
    depth: int = 32,
    input_shape: tuple = (32, 32, 3),
    num_classes: int = 10,
    drop_path: float = 0.0,
    weight_decay: float = 5e-4,
) -> keras.Model:
    """Builds a functional ResNet that returns logits.

    Args:
        depth: Number of weighted layers: 6 n + 2.
        input_shape: Shape of a normalised image.
        num_classes: Number of classes.
        drop_path: Probability that training leaves out the last residual branch
            (stochastic depth, Huang et al., 2016); it rises linearly from 0.
        weight_decay: L2 in the gradient of the kernels of convolutions.

    Raises:
        UserError: If the depth is not 6 n + 2.
    """
    if depth < 8 or depth % 6 != 2:
        raise UserError(f"--depth={depth} is not 6 n + 2: use 20, 32, 44, 56 or 110.")
    blocks, decay = (depth - 2) // 6, weight_decay
    image = keras.Input(input_shape)
    tensor = layers.ReLU()(_convolution(image, 16, 3, 1, decay))
    for index in range(3 * blocks):
        channels = 16 * 2 ** (index // blocks)
        stride = 2 if index and index % blocks == 0 else 1
        rate = drop_path * index / (3 * blocks - 1)
        tensor = _block(tensor, channels, stride, rate, decay)
    tensor = layers.GlobalAveragePooling2D()(tensor)
    return keras.Model(image, layers.Dense(num_classes)(tensor), name=f"resnet{depth}")


def _block(tensor, channels, stride, drop_path, decay):
    branch = layers.ReLU()(_convolution(tensor, channels, 3, stride, decay))
    branch = _convolution(branch, channels, 3, 1, decay)
    if drop_path:
        # Of whole images: what Keras's EfficientNet has for stochastic depth.
        branch = layers.Dropout(drop_path, noise_shape=(None, 1, 1, 1))(branch)
    if stride != 1 or tensor.shape[-1] != channels:
        tensor = _convolution(tensor, channels, 1, stride, decay)
    return layers.ReLU()(layers.Add()([tensor, branch]))


def _convolution(tensor, channels, size, stride, decay):
    convolution = layers.Conv2D(
        channels,
        size,
        stride,
        "same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(decay / 2),
    )
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(convolution(tensor))


def train(model: keras.Model, settings: Settings, path) -> list[tuple]:
    """Trains with SGD, a cosine schedule, crops and flips.

    Args:
        model: Model that returns logits.
        settings: `Settings`: batch size, epochs and learning rate of stage 2, seed.
        path: NPZ file of images.

    Returns:
        For each epoch the loss and the accuracy on held-out images, in [0, 1].
    """
    from benchmarks import jax_images  # Here, because it imports JAX.

    jax = importlib.import_module("jax")
    jnp = jax.numpy
    input_format = jax_images.input_format_of(settings)
    (images, labels), held_out = jax_images.load(path, settings, input_format)
    images, labels = jnp.asarray(images), jnp.asarray(labels)
    steps = len(images) // settings.batch_size
    rate = keras.optimizers.schedules.CosineDecay(
        settings.finetune_learning_rate, steps * settings.finetune_epochs
    )
    optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    optimizer.build(model.trainable_variables)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def step(state, inputs):
        trainable, others, optimizer_state = state
        indices, key = inputs
        batch = jax_images.augment(images[indices], key, settings, input_format)

        def loss_of(trainable):
            logits, changed, losses = model.stateless_call(
                trainable, others, batch, training=True, return_losses=True
            )
            return loss_function(labels[indices], logits) + sum(losses), changed

        (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        trainable, optimizer_state = optimizer.stateless_apply(
            optimizer_state, gradients, trainable
        )
        return (trainable, others, optimizer_state), loss

    @jax.jit
    def epoch(state, key):
        order_key, key = jax.random.split(key)
        order = jax.random.permutation(order_key, len(images))
        order = order[: steps * settings.batch_size].reshape(steps, -1)
        state, losses = jax.lax.scan(step, state, (order, jax.random.split(key, steps)))
        return state, losses.mean()

    @jax.jit
    def right(state, batch, labels):
        logits, _ = model.stateless_call(*state[:2], batch, training=False)
        return (logits.argmax(-1) == labels).sum()

    variables = (
        model.trainable_variables,
        model.non_trainable_variables,
        optimizer.variables,
    )
    state = tuple([variable.value for variable in part] for part in variables)
    rows = []
    for number in range(settings.finetune_epochs):
        start = time.perf_counter()
        state, loss = epoch(state, jax.random.key(1000 * settings.seed + number))
        parts = jax_images.batches(*held_out, input_format)
        accuracy = sum(right(state, *part) for part in parts) / len(held_out[1])
        rows.append((float(loss), float(accuracy)))
        print(
            f"epoch {number + 1}/{settings.finetune_epochs}: loss {rows[-1][0]:.4f}, "
            f"val_accuracy {rows[-1][1]:.4f} ({time.perf_counter() - start:.2f} s)",
            flush=True,
        )
    for part, arrays in zip(variables, state, strict=True):
        for variable, array in zip(part, arrays, strict=True):
            variable.assign(array)
    return rows


def fit(model: keras.Model, settings: Settings) -> list[float]:
    """Trains as `train` does, with Keras's `fit` on TensorFlow.

    Args:
        model: Model that returns logits.
        settings: As those of `train`; CIFAR-10 is that of TFDS.

    Returns:
        For each epoch the accuracy on held-out images, in [0, 1].
    """
    from tfdyn.data import dataset as datasets
    from tfdyn.data.augmentation import Augmentation

    dataset = datasets.load(settings.dataset)
    batch_size, epochs = settings.batch_size, settings.finetune_epochs
    steps = dataset.num_examples("train") // batch_size
    rate = keras.optimizers.schedules.CosineDecay(
        settings.finetune_learning_rate, steps * epochs
    )
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    rows, augmentation = [], Augmentation.of(settings)
    for epoch in range(epochs):
        batches = dataset.batches(
            "train", batch_size, augmentation, settings.seed, epoch, True, True
        )
        history = model.fit(
            batches,
            validation_data=dataset.batches("validation", 250),
            shuffle=False,  # The batches are.
            verbose=0,
        )
        rows.append(history.history["val_accuracy"][0])
        print(f"epoch {epoch + 1}/{epochs}: val_accuracy {rows[-1]:.4f}", flush=True)
    return rows


def main() -> None:
    """Runs the command on the flags."""
    on_jax = keras.backend.backend() == "jax"
    if on_jax != bool(FLAGS.images):
        raise UserError(
            "--images, a file of images, and the environment KERAS_BACKEND=jax belong "
            "together; without both, CIFAR-10 is that of TFDS. Give both, or neither."
        )
    settings = Settings(
        network="resnet_xs",
        dataset="cifar10",
        batch_size=FLAGS.batch_size,
        finetune_epochs=FLAGS.epochs,
        finetune_learning_rate=FLAGS.learning_rate,
        seed=FLAGS.seed,
    )
    keras.utils.set_random_seed(settings.seed)
    rates = FLAGS.drop_path, FLAGS.weight_decay
    model = resnet(FLAGS.depth, drop_path=rates[0], weight_decay=rates[1])
    train(model, settings, FLAGS.images) if on_jax else fit(model, settings)
    model.save(FLAGS.output)
    print(f"wrote {FLAGS.output}")


if __name__ == "__main__":
    flags.DEFINE_string("images", None, "NPZ file of images, as of jax_training.")
    flags.DEFINE_string("output", None, "`.keras` file to write.")
    flags.DEFINE_integer("depth", 32, "Number of weighted layers: 6 n + 2.")
    flags.DEFINE_float("drop_path", 0.0, "Stochastic depth of the last block.")
    flags.DEFINE_integer("epochs", 80, "Number of epochs.", lower_bound=1)
    flags.DEFINE_integer("batch_size", 128, "Images in a batch.", lower_bound=1)
    flags.DEFINE_float("learning_rate", 0.1, "Learning rate of the first step.")
    flags.DEFINE_float(
        "weight_decay", 5e-4, "L2 in the gradient of the kernels of convolutions."
    )
    flags.DEFINE_integer("seed", 0, "Seed of weights, order and augmentation.")
    flags.mark_flags_as_required(["output"])
    commands.run(main, tensorflow=keras.backend.backend() == "tensorflow")
