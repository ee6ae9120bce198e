"""Distribution: training on one device, on several, or on several machines."""

import contextlib
import json
import os
import re
from collections.abc import Callable

import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.routing import noise

STRATEGIES = ("one_device", "mirrored", "multi_worker")


class WorkerLostError(ConnectionError):
    """The connection to another worker of the training is lost."""


class Distribution:
    """Splits the batches of a training over devices.

    Each device, called a replica, trains on a part of the global batch. Random numbers
    belong to an image's position in the global batch. A training therefore gives the
    same result with every strategy, except that batch normalisation uses the
    statistics of the part, unless it is synchronised.

    Args:
        strategy: String. "one_device"; "mirrored", for all GPUs of this machine; or
            "multi_worker", for the machines in the environment variable `TF_CONFIG`.
            A distribution with "multi_worker" must be created before TensorFlow runs
            any operation.

    Attributes:
        worker: Integer, the index of this process.
        workers: Integer, the number of processes.
        replicas: Integer, the number of parts of a global batch.
        is_chief: Bool, whether this process writes the files of the run.

    Raises:
        UserError: If there is no such strategy, `TF_CONFIG` is missing or wrong, or
            the workers differ in their number of devices.
        ConnectionError: If this worker cannot connect to the others.
    """

    def __init__(self, strategy: str = "one_device"):
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
                f"{error.message}. Check that the addresses are right and that the "
                f"port of this worker is free."
            ) from error
        local = len(self._strategy.extended.worker_devices)
        total = self._strategy.num_replicas_in_sync
        if local * self.workers != total:
            raise UserError(
                f"All {self.workers} workers must have the same number of devices, but "
                f"worker {self.worker} has {local} of {total}. Hide "
                f"surplus GPUs with CUDA_VISIBLE_DEVICES."
            )

    def __str__(self):
        if self.workers > 1:
            return f"worker {self.worker} of {self.workers}, {self.replicas} replicas"
        return f"{self.replicas} replicas" if self.replicas > 1 else "one device"

    def scope(self):
        """Returns the context in which a model and its optimizer must be created."""
        return self._strategy.scope()

    def step(self, function: Callable) -> Callable:
        """Turns a step on one part of a batch into a step on the global batch.

        Args:
            function: Function of the part of a batch that one replica trains on.

        Returns:
            `tf.function` of a batch from `batches`. It returns what `function` returns
            on the first replica of this process.
        """

        @tf.function
        def step(batch):
            results = self._strategy.run(self._on_replica, args=(function, batch))
            first = self._strategy.experimental_local_results
            return tf.nest.map_structure(lambda value: first(value)[0], results)

        return step

    @contextlib.contextmanager
    def watch_workers(self):
        """Returns a context that raises `WorkerLostError` if another worker is lost."""
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

    def batches(self, make: Callable, batch_size: int):
        """Returns the batches of an epoch, split over the replicas.

        Args:
            make: Function from `(batch_size, worker, workers)` to a `tf.data.Dataset`.
                The data set holds every `workers`-th image, starting with number
                `worker`.
            batch_size: Number of images in a global batch.

        Returns:
            Iterable of batches, for the function that `step` returns.

        Raises:
            UserError: If the batch cannot be split into equal parts.
        """
        if batch_size % self.replicas:
            raise UserError(
                f"--batch_size={batch_size} cannot be split into {self.replicas} equal "
                f"parts, one for each replica: use a multiple of {self.replicas}."
            )
        size = batch_size // self.replicas
        if self.replicas == 1:
            return make(size, 0, 1)
        return self._strategy.distribute_datasets_from_function(
            lambda _: make(size, self.worker, self.workers)
        )

    def from_chief(self, number: int) -> int:
        """Returns the number that the chief passes, on every worker.

        Waits until all workers have called it.

        Args:
            number: Integer; ignored on workers that are not the chief.
        """
        if self.workers == 1:
            return number

        @tf.function
        def value():
            return tf.constant(number if self.is_chief else 0)

        results = self._strategy.run(value)
        # Each replica of the chief adds the number once.
        total = self._strategy.reduce("SUM", results, axis=None)
        return int(total) // (self.replicas // self.workers)


def _devices(kind):
    return [device.name for device in tf.config.list_logical_devices(kind)]


def _cluster():
    """Returns the index of this worker and the number of workers."""
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
        cluster, kind, index = set(config["cluster"]), task["type"], int(task["index"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(
            f"TF_CONFIG cannot be read ({error}): {text}. Expected {expected}."
        ) from error
    if cluster != {"worker"} or kind != "worker":
        raise UserError(
            f"TF_CONFIG may name workers only (the first one is the chief); got "
            f"{text}. Expected {expected}."
        )
    if not isinstance(workers, list) or not all(map(_is_address, workers)):
        raise UserError(
            f"TF_CONFIG must list the addresses of the workers as HOST:PORT, with a "
            f"port from 1 to 65535; got {workers!r}. Expected {expected}."
        )
    if len(set(workers)) < len(workers):
        raise UserError(f"TF_CONFIG names a worker twice: {workers}.")
    if not 0 <= index < len(workers):
        raise UserError(
            f"TF_CONFIG has {len(workers)} workers, but the index of this one is "
            f"{index}: expected 0 to {len(workers) - 1}."
        )
    return index, len(workers)


def _is_address(text):
    match = isinstance(text, str) and re.fullmatch(r"\S+:([0-9]{1,5})", text)
    return bool(match) and 1 <= int(match[1]) <= 65535
