"""Settings: everything that decides a run, in one flat value."""

import dataclasses

from tfdyn.errors import UserError
from tfdyn.families.codebook.settings import CodebookSettings
from tfdyn.families.dmnn.settings import DMNNSettings
from tfdyn.families.drnet.settings import DRNetSettings
from tfdyn.families.instanas.settings import InstaNASSettings
from tfdyn.families.wrapped.settings import WrappedSettings
from tfdyn.settings.data import DataSettings
from tfdyn.settings.fields import check_fields
from tfdyn.settings.network import NetworkSettings
from tfdyn.settings.routers import RouterSettings
from tfdyn.settings.training import TrainingSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(
    WrappedSettings,
    CodebookSettings,
    InstaNASSettings,
    DMNNSettings,
    DRNetSettings,
    RouterSettings,
    TrainingSettings,
    DataSettings,
    NetworkSettings,
):
    """All settings of a run: those that all families share, then each family's.

    Each field is a flag of the same name.

    ```python
    settings = Settings(network="drnet_xs", dataset="digits", pretrain_epochs=5)
    ```

    Raises:
        UserError: If a value is not one of its choices or not in its range, or no
            stage has epochs. Whether a setting applies to the network is checked when
            the network is built (`tfdyn.families.networks`).
    """

    def __post_init__(self):
        check_fields(self)
        for part in (NetworkSettings, TrainingSettings, InstaNASSettings):
            part.__post_init__(self)
        if not self.pretrain_epochs + self.joint_epochs + self.finetune_epochs:
            raise UserError(
                "--pretrain_epochs and --finetune_epochs are both 0, and so is "
                "InstaNAS's --joint_epochs: there is nothing to train."
            )
