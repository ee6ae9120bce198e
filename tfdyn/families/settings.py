"""Settings: everything that decides a run, in one flat value."""

import dataclasses

from tfdyn.families.instanas.settings import SearchSettings
from tfdyn.settings.data import DataSettings
from tfdyn.settings.fields import check_choices
from tfdyn.settings.network import NetworkSettings
from tfdyn.settings.training import TrainingSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(TrainingSettings, SearchSettings, DataSettings, NetworkSettings):
    """All settings of a run; each is a flag of the same name.

    ```python
    settings = Settings(network="drnet_xs", dataset="digits", pretrain_epochs=5)
    ```
    """

    def __post_init__(self):
        check_choices(self)
        TrainingSettings.__post_init__(self)
        SearchSettings.__post_init__(self)
        DataSettings.__post_init__(self)
        NetworkSettings.__post_init__(self)
        if not self.pretrain_epochs + self.joint_epochs + self.finetune_epochs:
            raise ValueError(
                "--pretrain_epochs and --finetune_epochs are both 0; so is InstaNAS's "
                "--joint_epochs."
            )
