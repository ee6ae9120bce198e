"""TrainingSettings: the settings of a training that all families share."""

import dataclasses
import itertools

from tfdyn.errors import UserError
from tfdyn.settings.fields import setting

EPOCHS = "from 0 to 1000000"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of stage 1 ("pretrain"), stage 2 ("finetune") and their optimizer."""

    seed: int = setting(
        0,
        "Seed of weights, order of images, augmentation, noise and dropped branches.",
        within="from 0 to 4294967295",
    )
    pretrain_epochs: int = setting(1200, "Epochs of stage 1.", within=EPOCHS)
    finetune_epochs: int = setting(1200, "Epochs of stage 2.", within=EPOCHS)
    pretrain_learning_rate: float = setting(
        0.025, "Initial learning rate of stage 1.", within="at least 0"
    )
    finetune_learning_rate: float = setting(
        0.005, "Initial learning rate of stage 2.", within="at least 0"
    )
    learning_rate_schedule: str = setting(
        "cosine",
        "How the learning rate falls in a stage. cosine: to zero. exponential: by "
        "--learning_rate_decay after each epoch. step: by --learning_rate_decay after "
        "the epochs in --learning_rate_steps. constant: not at all.",
        choices=("cosine", "exponential", "step", "constant"),
    )
    learning_rate_decay: float = setting(
        0.97,
        "Factor by which the exponential and the step schedule multiply the learning "
        "rate.",
        within="above 0",
    )
    learning_rate_steps: tuple = setting(
        (), "Epochs of a stage after which the step schedule lowers the learning rate."
    )
    momentum: float = setting(0.9, "Momentum of SGD.", within="at least 0 and below 1")
    nesterov: bool = setting(False, "Use Nesterov momentum.")
    weight_decay: float = setting(
        3e-4,
        "L2 decay, as in PyTorch: this number times the weight is added to the "
        "gradient.",
        within="at least 0",
    )
    gradient_clip: float | None = setting(
        None,
        "Largest norm of the gradient of all weights together; SGD scales a longer one "
        "down to it. DARTS has 5. Default: no limit.",
        within="above 0",
    )
    label_smoothing: float = setting(
        0.0, "Label smoothing of the cross-entropy.", within="at least 0 and below 1"
    )
    drop_branch: float = setting(
        0.7,
        "DRNet and InstaNAS: share of branches that are dropped at random in the last "
        "epoch of a stage. It rises to this number from 0 (DRNet: --drop_schedule).",
        within="at least 0 and below 1",
    )
    cost_unit: str = setting(
        "macs",
        "Unit of the cost in the loss: multiply-accumulates or parameters.",
        choices=("macs", "params"),
    )
    cost_table: str | None = setting(
        None,
        "File of a cost table whose costs replace those of --cost_unit, such as the "
        "latency.DEVICE.json of a run (milliseconds).",
    )
    dtype_policy: str = setting(
        "float32",
        "Keras dtype policy. The mixed ones are faster on GPUs.",
        choices=("float32", "mixed_float16", "mixed_bfloat16"),
    )
    synchronized_batch_norm: bool = setting(
        False,
        "Normalise over the batch of all devices, not over each device's part of it.",
    )
    init_from: str | None = setting(
        None,
        "Run folder whose weights the training starts from. The head is copied if the "
        "classes are the same.",
    )

    def __post_init__(self):
        if self.cost_table and self.cost_unit != "macs":
            raise UserError(
                f"--cost_unit={self.cost_unit} has no effect with --cost_table, which "
                f"has a unit of its own; leave one of them out."
            )
        try:
            steps = tuple(int(step) for step in self.learning_rate_steps)
        except (TypeError, ValueError):
            steps = (0,)
        if not all(a < b for a, b in itertools.pairwise((0, *steps))):
            raise UserError(
                f"--learning_rate_steps must be rising whole numbers above 0; got "
                f"{self.learning_rate_steps}."
            )
        object.__setattr__(self, "learning_rate_steps", steps)
