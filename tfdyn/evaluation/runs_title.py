"""The line that says of which runs a mean and a standard deviation are."""

from tfdyn.settings.fields import differences


def runs_title(settings: list) -> str:
    """Returns the line: what is printed, of how many runs, and in what they differ.

    Args:
        settings: `Settings` of at least two runs.
    """
    one, *others = settings
    differing = {name for other in others for name, *_ in differences(one, other)}
    return (
        f"mean and standard deviation (of a sample, n - 1) of {len(settings)} runs, "
        f"which differ in "
        f"{', '.join(f'--{name}' for name in sorted(differing)) or 'no setting'}"
    )
