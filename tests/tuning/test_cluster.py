import pytest

from tfdyn.errors import UserError
from tfdyn.tuning.cluster import ADDRESS, role


def environment(*values):
    return dict(zip(ADDRESS, values, strict=False))


def test_roles():
    assert role({}) == "alone"
    assert role(environment("127.0.0.1", "8000", "chief")) == "chief"
    assert role(environment("127.0.0.1", "8000", "tuner0")) == "worker"


def test_half_an_address_is_refused():
    with pytest.raises(UserError, match="KERASTUNER_TUNER_ID is not set"):
        role(environment("127.0.0.1", "8000"))
    with pytest.raises(UserError, match="port"):
        role(environment("127.0.0.1", "http", "chief"))
