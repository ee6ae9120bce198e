"""All cases of hostile inputs."""

from hostile import (
    broken_files,
    codebook_files,
    flag_values,
    image_folders,
    json_values,
    model_files,
    phones,
    places,
)

MODULES = (
    broken_files,
    codebook_files,
    json_values,
    model_files,
    flag_values,
    image_folders,
    places,
    phones,
)


def all_cases():
    """Returns a list of all cases."""
    return [case for module in MODULES for case in module.cases()]
