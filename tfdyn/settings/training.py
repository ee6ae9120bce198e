"""TrainingSettings: the two stages of a training, and the losses of each family."""

import dataclasses
import itertools

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of the training (DRNet sections 3.3 and 4.1, DMNN section 4.1)."""

    seed: int = setting(0, "Seed of weights, order, augmentation, noise and drops.")
    pretrain_epochs: int = setting(1200, "Epochs of stage 1, fixed temperature.")
    finetune_epochs: int = setting(
        1200, "Epochs of stage 2, falling temperature, cost in the loss."
    )
    pretrain_learning_rate: float = setting(0.025, "Initial rate of stage 1.")
    finetune_learning_rate: float = setting(0.005, "Initial rate of stage 2.")
    learning_rate_schedule: str = setting(
        "cosine",
        "cosine: to zero over a stage; exponential: by a factor an epoch; step: by a "
        "factor at some epochs.",
        choices=("cosine", "exponential", "step", "constant"),
    )
    learning_rate_decay: float = setting(
        0.97, "Factor of the exponential and the step schedule."
    )
    learning_rate_steps: tuple = setting(
        (), "Epochs of a stage after which the step schedule has its factor."
    )
    momentum: float = setting(0.9, "Momentum of SGD.")
    nesterov: bool = setting(False, "Nesterov's momentum.")
    weight_decay: float = setting(
        3e-4, "L2 decay as PyTorch has it: this times the weight in the gradient."
    )
    label_smoothing: float = setting(0.0, "Label smoothing.")
    auxiliary_weight: float = setting(0.4, "Weight of the auxiliary head's loss.")
    pretrain_temperature: float = setting(3.0, "Temperature of stage 1.")
    finetune_temperature_start: float = setting(1.0, "First temperature of stage 2.")
    finetune_temperature_end: float = setting(0.5, "Last temperature of stage 2.")
    temperature_schedule: str = setting(
        "exponential",
        "Form of the annealing in stage 2.",
        choices=("exponential", "linear", "cosine"),
    )
    temperature_decay: float | None = setting(
        None,
        "Exponential annealing by exp(-this) an epoch (the paper: 0.0006); default: "
        "such that the last epoch of stage 2 has the last temperature.",
    )
    drop_connection: float = setting(
        0.1, "Rate of dropped connections at the end of a stage, rising from 0."
    )
    drop_branch: float = setting(
        0.7, "Rate of dropped branches at the end of a stage, rising from 0."
    )
    finetune_drop_branch: float | None = setting(
        None, "The same for stage 2 alone (default: as --drop_branch)."
    )
    cost_weight: float = setting(
        0.1,
        "lambda, price of the expected cost of the branches in stage 2; both forms are "
        "relative, so that it pulls alike whatever the unit.",
    )
    cost_form: str = setting(
        "log",
        "log: logarithm of the cost (DRNet eq. 8), half the cost saves 0.69 lambda; "
        "share: of all branches' (ISBNet), each 1 % of them saves 0.01 lambda.",
        choices=("log", "share"),
    )
    target_rate: float = setting(
        0.7,
        "DMNN, stage 2: r, the share of the sub-blocks that are to run, and of their "
        "cost (eqs. 12, 14).",
    )
    target_rate_start: float | None = setting(
        None,
        "DMNN, stage 2: the target rate in the first epoch, that falls to r in half of "
        "the stage (default: r throughout); in stage 1, if it has epochs, it is 1.",
    )
    noise_end: float = setting(
        1.0,
        "DMNN, stage 2: what the Gumbel noise is multiplied by in the last epoch, from "
        "1 in the first; with 0 gates end as in inference, and hold the target there.",
    )
    cost_unit: str = setting(
        "macs", "What the cost counts.", choices=("macs", "params")
    )
    cost_table: str | None = setting(
        None,
        "File of a cost table to use instead of a count, as the latency.DEVICE.json "
        "of a run.",
    )
    dtype_policy: str = setting(
        "float32",
        "Keras dtype policy; mixed_float16 for GPUs.",
        choices=("float32", "mixed_float16", "mixed_bfloat16"),
    )
    synchronized_batch_norm: bool = setting(
        False, "Batch norm over the whole batch, not each replica's part of it."
    )
    init_from: str | None = setting(
        None, "Run folder whose weights to start from; its head, if classes agree."
    )

    def __post_init__(self):
        for name in _POSITIVE:
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in _RATES:
            value = getattr(self, name)
            self._check(name, value is None or 0 <= value < 1, "at least 0, below 1")
        for name in _NOT_NEGATIVE:
            self._check(name, (getattr(self, name) or 0) >= 0, "at least 0")
        for name in ("target_rate", "target_rate_start"):
            rate = getattr(self, name)
            self._check(name, rate is None or 0 < rate <= 1, "above 0, at most 1")
        self._check_steps()

    def _check_steps(self):
        steps = self.learning_rate_steps
        try:
            steps = tuple(int(step) for step in steps)
        except (TypeError, ValueError):
            steps = (0,)
        rising = all(
            first < second for first, second in itertools.pairwise((0, *steps))
        )
        self._check("learning_rate_steps", rising, "rising whole numbers above 0")
        object.__setattr__(self, "learning_rate_steps", steps)

    def _check(self, name, good, expected):
        if not good:
            raise ValueError(f"--{name} must be {expected}; got {getattr(self, name)}.")


_POSITIVE = (
    "pretrain_temperature",
    "finetune_temperature_start",
    "finetune_temperature_end",
    "learning_rate_decay",
)
_RATES = (
    "drop_connection",
    "drop_branch",
    "finetune_drop_branch",
    "label_smoothing",
    "momentum",
)
_NOT_NEGATIVE = (
    "seed",
    "pretrain_epochs",
    "finetune_epochs",
    "pretrain_learning_rate",
    "finetune_learning_rate",
    "weight_decay",
    "auxiliary_weight",
    "temperature_decay",
    "cost_weight",
    "noise_end",
)
