"""Distribution: one training on one device, several, or several machines."""

import contextlib
import json
import os

import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.routing import noise

STRATEGIES = ("one_device", "mirrored", "multi_worker")


class WorkerLostError(ConnectionError):
    """Another worker of the training is no longer there."""


class Distribution:
    """Runs the same steps wherever the examples of a batch lie.

    The batch is split over the replicas; random numbers belong to an example's
    place in the global batch, so that a training does not depend on the strategy
    (but for batch norm, unless it is synchronised).

    Args:
        strategy: "one_device"; "mirrored", for all GPUs of this machine; or
            "multi_worker", for the machines that the environment variable
            `TF_CONFIG` names. The last must be made before TensorFlow runs
            anything.

    Attributes:
        replicas: Number of parts of a global batch.
        is_chief: Whether this process is the one that writes files.

    Raises:
        ValueError: If there is no such strategy, or `TF_CONFIG` is missing or wrong.
        ConnectionError: If the cluster cannot be joined.
    """

    def __init__(self, strategy="one_device"):
        if strategy not in STRATEGIES:
            raise UserError(
                f"--strategy is one of {', '.join(STRATEGIES)}; got {strategy!r}."
            )
        self.worker, self.workers = 0, 1
        if strategy == "one_device":
            self._strategy = tf.distribute.get_strategy()
        elif strategy == "mirrored":
            devices = _devices("GPU") or _devices("CPU")
            self._strategy = tf.distribute.MirroredStrategy(devices)
        else:
            self.worker, self.workers = _cluster()
            self._join()
        self.replicas = self._strategy.num_replicas_in_sync
        self.is_chief = self.worker == 0

    def _join(self):
        try:
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except tf.errors.OpError as error:
            raise ConnectionError(
                f"Worker {self.worker} cannot join the cluster in TF_CONFIG: "
                f"{error.message}. Are the addresses right, and is its port free?"
            ) from error
        local = len(self._strategy.extended.worker_devices)
        total = self._strategy.num_replicas_in_sync
        if local * self.workers != total:
            raise UserError(
                f"All {self.workers} workers must have the same number of devices; "
                f"worker {self.worker} has {local} of {total}."
            )

    def __str__(self):
        if self.workers > 1:
            return f"worker {self.worker} of {self.workers}, {self.replicas} replicas"
        return f"{self.replicas} replicas" if self.replicas > 1 else "one device"

    def scope(self):
        """Where a model and its optimizer are made."""
        return self._strategy.scope()

    def step(self, function):
        """Makes a step of a batch's part a `tf.function` of a whole batch.

        Args:
            function: Function of one replica's part of a batch.

        Returns:
            A function of a batch, which returns what `function` returned on the first
            replica of this process.
        """

        @tf.function
        def step(batch):
            results = self._strategy.run(self._on_replica, args=(function, batch))
            first = self._strategy.experimental_local_results
            return tf.nest.map_structure(lambda value: first(value)[0], results)

        return step

    @contextlib.contextmanager
    def watched(self):
        """Raises `WorkerLostError` where another worker is no longer there."""
        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
            if self.workers == 1:
                raise
            raise WorkerLostError(
                f"worker {self.worker} lost another worker"
            ) from error

    def _on_replica(self, function, batch):
        if self.replicas == 1:
            return function(batch)
        context = tf.distribute.get_replica_context()
        local = self.replicas // self.workers
        part = context.replica_id_in_sync_group % local
        with noise.scope(
            self.replicas,
            lambda size: self.worker + self.workers * (part * size + tf.range(size)),
            lambda values: context.all_gather(values, axis=0),
        ):
            return function(batch)

    def batches(self, make, batch_size):
        """Splits the batches of an epoch over the replicas.

        Args:
            make: Function from `(batch_size, worker, workers)` to a
                `tf.data.Dataset` of every `workers`-th example, from `worker` on.
            batch_size: Examples of a global batch.

        Raises:
            ValueError: If the replicas cannot have equal parts.
        """
        if batch_size % self.replicas:
            raise UserError(
                f"--batch_size={batch_size} cannot be split into {self.replicas} equal "
                f"parts, one for each replica; take a multiple of {self.replicas}."
            )
        size = batch_size // self.replicas
        if self.replicas == 1:
            return make(size, 0, 1)
        return self._strategy.distribute_datasets_from_function(
            lambda _: make(size, self.worker, self.workers)
        )

    def from_chief(self, number):
        """Returns the chief's `number`, an integer, on every worker."""
        if self.workers == 1:
            return number

        @tf.function
        def value():
            return tf.constant(number if self.is_chief else 0)

        context = self._strategy
        sums = context.reduce("SUM", context.run(value), axis=None)
        return int(sums) // (self.replicas // self.workers)


def _devices(kind):
    return [device.name for device in tf.config.list_logical_devices(kind)]


def _cluster():
    """Returns this worker's index and the number of workers."""
    text = os.environ.get("TF_CONFIG")
    example = (
        '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    expected = f"the environment variable TF_CONFIG, such as '{example}'"
    if not text:
        raise UserError(f"--strategy=multi_worker needs {expected}.")
    try:
        config = json.loads(text)
        workers, task = config["cluster"]["worker"], config["task"]
        index = int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"TF_CONFIG cannot be read ({error}): {text}. Needed is {expected}."
        ) from error
    if set(config["cluster"]) != {"worker"} or task.get("type") != "worker":
        raise UserError(
            f"TF_CONFIG may name workers only, the first of which is the chief; got "
            f"{text}. Needed is {expected}."
        )
    if not 0 <= index < len(workers):
        raise UserError(
            f"TF_CONFIG has {len(workers)} workers, and this is none of them: index "
            f"{index}."
        )
    return index, len(workers)
