import socket

import pytest

from tfdyn.errors import UserError
from tfdyn.tuning.cluster import ADDRESS, answering_chief, check_port, role


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


def test_a_port_that_another_chief_has_is_refused():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with pytest.raises(UserError, match=f"cannot listen at 127.0.0.1:{port}"):
            check_port(environment("127.0.0.1", port, "chief"))
    check_port(environment("127.0.0.1", port, "chief"))


def test_a_chief_that_does_not_answer_is_one_line_in_a_worker(monkeypatch):
    for name, value in environment("127.0.0.1", "8000", "tuner0").items():
        monkeypatch.setenv(name, value)
    rpc_error = type("RpcError", (Exception,), {"__module__": "grpc._channel"})
    with pytest.raises(UserError, match="does not answer at 127.0.0.1:8000"):
        with answering_chief("worker"):
            raise rpc_error
    with pytest.raises(OSError, match="disk"), answering_chief("worker"):
        raise OSError("the disk is full")
