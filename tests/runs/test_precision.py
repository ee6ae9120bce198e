import keras
import pytest

from tfdyn.runs.precision import dtype_policy


def test_holds_inside_alone_and_ends_with_an_error():
    with pytest.raises(KeyError), dtype_policy("mixed_bfloat16"):
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
        raise KeyError
    assert keras.layers.Dense(1).compute_dtype == "float32"
