"""Settings of the data."""

import pytest

from tfdyn.settings.data import DataSettings
from tfdyn.settings.fields import check_fields


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", 0),
        ("image_size", 100_000),
        ("validation_share", -0.1),
        ("validation_share", 1.0),
        ("validation_share", float("nan")),
        ("batch_size", 0),
        ("batch_size", 10**20),
        ("cutout", -1),
        ("cutout", 10**20),
    ],
)
def test_numbers_have_bounds(name, value):
    with pytest.raises(ValueError, match=f"--{name} must be"):
        check_fields(DataSettings(**{name: value}))


def test_the_bounds_themselves_are_allowed():
    for changes in ({"image_size": 1}, {"image_size": 2048}, {"validation_share": 0.0}):
        check_fields(DataSettings(**changes))
