"""TrainingData: the images of a run for models of tf_keras, and their fine-tuning.

Only `export.compression.worker` imports this file.
"""

import sys

import numpy as np
import tensorflow as tf
import tf_keras
from tqdm import tqdm

from tfdyn.data.augmentation import Augmentation
from tfdyn.evaluation.evaluator import load_data
from tfdyn.runs.run_folder import RunFolder


class TrainingData:
    """Trains models on the data of a run, augmented as in its training.

    Args:
        job: `export.compression.worker.Job`.

    Attributes:
        steps: Number of steps of a call of `fit`.

    Raises:
        UserError: If the data are not those of the training.
        OSError: If the data are missing.
    """

    def __init__(self, job):
        run = RunFolder(job.run)
        self._job, self._settings = job, run.settings()
        self._dataset = load_data(run, job.data_dir)
        count = self._dataset.num_examples("train")
        count = min(count, job.train_images or count)
        self._steps = count // job.batch_size
        self.steps = self._steps * job.epochs

    def calibration_images(self) -> np.ndarray:
        """Returns training images that are not augmented, always the same ones.

        Returns:
            float32 array `(n, height, width, channels)`, pixels from 0 to 255.
        """
        batches = self._dataset.batches(
            "train", self._job.calibration_images, shuffle=True, normalize=False
        )
        with self._dataset.explain_broken():
            return next(iter(batches.as_numpy_iterator()))[0].astype("float32")

    def fit(self, model: tf_keras.Model, stage: str, callbacks: list) -> list[dict]:
        """Trains a model with SGD and a momentum of 0.9 on the cross-entropy.

        Args:
            model: Model from pixels to logits.
            stage: Name of the stage, to print.
            callbacks: List of Keras callbacks.

        Returns:
            For each epoch a dict of `stage`, `loss` and `accuracy` on training images.
        """
        rate = tf_keras.optimizers.schedules.CosineDecay(
            self._job.learning_rate, self.steps
        )
        loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = tf_keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
        model.compile(optimizer, loss, metrics=["accuracy"])
        rows = []
        for epoch in range(self._job.epochs):
            title = f"{stage}, epoch {epoch + 1}/{self._job.epochs}"
            with tqdm(total=self._steps, desc=title, disable=None, leave=False) as bar:
                step = tf_keras.callbacks.LambdaCallback(
                    on_batch_end=lambda batch, logs, bar=bar: bar.update()
                )
                with self._dataset.explain_broken():
                    logs = model.fit(
                        self._batches(epoch),
                        initial_epoch=epoch,
                        epochs=epoch + 1,
                        callbacks=[*callbacks, step],
                        verbose=0,
                    ).history
            rows.append({"stage": stage, **{k: float(v[0]) for k, v in logs.items()}})
            sys.stderr.write(
                f"{title}: loss {rows[-1]['loss']:.3f}, accuracy "
                f"{rows[-1]['accuracy']:.2%} (training images)\n"
            )
        return rows

    def _batches(self, epoch):
        input_format = self._dataset.input_format
        mean, std = (
            tf.constant(each, tf.float32)
            for each in (input_format.mean, input_format.std)
        )
        batches = self._dataset.batches(
            "train",
            self._job.batch_size,
            Augmentation.of(self._settings),
            seed=self._settings.seed,
            epoch=epoch,
            shuffle=True,
            drop_remainder=True,
        )

        def pixels(images, labels):
            return tf.clip_by_value(255.0 * (images * std + mean), 0, 255), labels

        return batches.map(pixels).take(self._steps)
