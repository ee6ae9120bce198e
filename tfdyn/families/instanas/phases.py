"""Phases: what a training step of InstaNAS trains, and which metrics it reports."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.instanas import policies
from tfdyn.models.routed_model import RoutedModel

# Phase of a training: names of the metrics of the search that it reports.
PHASES = {
    "pretrain": (),
    "router": ("reward", "entropy", "modules", "same_architecture", "dependence"),
    "meta_graph": ("entropy", "modules", "same_architecture", "dependence"),
    "finetune": ("modules", "same_architecture"),
}
SEARCH_METRICS = PHASES["router"]


class PhasedModel(RoutedModel):
    """A `RoutedModel` whose router and meta-graph are trained in phases.

    A subclass has `router` and `selection` (a `PolicySelection`), and `meta_graph`, the
    list of all other layers.
    """

    has_choices = True

    def finish(self):
        # `dependence` is a metric of RoutedModel.
        names = [name for name in SEARCH_METRICS if name != "dependence"]
        self._search = {name: keras.metrics.Mean(name=name) for name in names}
        self._phase = None
        super().finish()

    @property
    def phase(self) -> str | None:
        """What a training step trains, one of `PHASES`; `None` outside a training.

         - "pretrain": the meta-graph, with all modules but some dropped at random;
         - "router": the router, with policies drawn from its probabilities;
         - "meta_graph": the meta-graph, with such policies, exchanged at random
           between the images of a batch;
         - "finetune": the meta-graph, with the policies of inference.

        All other weights are frozen, and so are the statistics of their batch norms.

        Raises:
            UserError: When it is set to another value.
        """
        return self._phase

    @phase.setter
    def phase(self, value):
        if value not in (None, *PHASES):
            raise UserError(f"phase must be one of {', '.join(PHASES)}; got {value!r}.")
        self._phase = value
        self.router.trainable = value in (None, "router")
        for layer in self.meta_graph:
            layer.trainable = value != "router"
        # Makes Keras trace a new training step: the old one trains other weights.
        self.train_function = None

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the metrics of `RoutedModel`, and those of the search.

        Metrics of the search:

         - `entropy`: entropy of the router's probabilities, in nats;
         - `modules`: share of the modules that run, without exploration;
         - `same_architecture`: share of pairs of images with the same policy;
         - `reward`: reward of the policies without exploration;
         - `dependence`: that of `RoutedModel`, in both phases of the search.

        Args:
            x: Images `(batch, height, width, channels)`.
            y: Labels, integer tensor `(batch,)`.
            y_pred: Mapping, the outputs of the model.
            sample_weight: Weights of the images `(batch,)`, or `None`.

        Returns:
            Dict from names of metrics to values.
        """
        names = PHASES.get(self.phase, ())
        if "modules" in names:
            policy = ops.stack(list(y_pred["route"].values()), axis=1)
            if "router_logits" in y_pred:
                policy = self.selection(y_pred["router_logits"])
                entropy = policies.entropy(ops.sigmoid(y_pred["router_logits"]))
                self._search["entropy"].update_state(entropy)
            self._search["modules"].update_state(policy)
            self._search["same_architecture"].update_state(policies.sameness(policy))
        if "reward" in names:
            rewards = self.routing_loss.rewards(y, y_pred)
            self._search["reward"].update_state(rewards)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def get_metrics_result(self):
        """Returns a dict of all metrics, without those that the phase does not have."""
        excluded = set(SEARCH_METRICS).difference(PHASES.get(self.phase, ()))
        results = super().get_metrics_result()
        return {name: value for name, value in results.items() if name not in excluded}
