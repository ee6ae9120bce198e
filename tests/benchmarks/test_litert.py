"""Files in LiteRT: timed in turn; never how long it took."""

import types

from benchmarks import litert


def test_forms_take_turns():
    calls = []

    def runtime(name, *inputs):
        def put(**values):
            assert tuple(values) == inputs
            calls.append(f"{name}{values['image']}")

        invoke = lambda: calls.append(".")  # noqa: E731
        return types.SimpleNamespace(inputs=inputs, set=put, invoke=invoke)

    a, b = runtime("a", "image"), runtime("b", "image", "route")
    forms = [{"a": a, "b": b}, {"b": b}]
    milliseconds = litert.alternate(forms, [0, 1], [None, None], rounds=2, loop=2)
    assert "".join(calls) == "a0{0}b0{0}b1{0}b1{0}b0{0}a0{0}".format(5 * ".")
    assert [list(row) for row in milliseconds] == [["a", "b"], ["b"]]


def test_a_benchmark_that_is_not_there_is_said(tmp_path):
    path = tmp_path / "model.tflite"
    outcome = litert.benchmark(path, module="no_such_module")
    assert "no_such_module" in outcome["error"]
