"""Cost tables: keys, counts and files."""

import json

import keras
import pytest
from keras import layers

from tfdyn.costs.cost_table import CostTable, module_key
from tfdyn.families.drnet.branches import SeparableConv, SkipConnection
from tfdyn.files import check_output
from tfdyn.layers.chain import Chain
from tfdyn.layers.modules import Module

SHAPE = (None, 8, 8, 4)


def built(layer, shape=SHAPE):
    layer.build(shape)
    return layer


def chain(*chain_layers, shape=SHAPE):
    return built(Chain(chain_layers), shape)


@pytest.mark.parametrize(
    "make",
    [
        lambda **kwargs: built(SeparableConv(4, 3, **kwargs)),
        lambda **kwargs: built(layers.MaxPooling2D(3, **kwargs)),
        lambda **kwargs: chain(layers.Conv2D(6, 3, **kwargs), layers.ReLU()),
    ],
)
def test_layers_that_are_built_alike_have_one_key(make):
    key = module_key(make(name="first"))
    others = [make(name="second"), make(dtype="mixed_float16"), make(trainable=False)]
    assert [module_key(other) for other in others] == [key] * 3


def test_initial_weights_are_not_in_the_key():
    one = built(layers.Conv2D(6, 3, kernel_initializer="zeros"))
    other = built(layers.Conv2D(6, 3, kernel_regularizer="l2"))
    assert module_key(one) == module_key(other)


def test_layers_that_cost_differently_have_different_keys():
    alike_or_not = [
        built(SeparableConv(4, 3)),
        built(SeparableConv(4, 5)),
        built(SeparableConv(4, 3, strides=2)),
        built(SeparableConv(8, 3)),
        built(SeparableConv(4, 3), (None, 4, 4, 4)),
        built(SeparableConv(4, 3), (None, 8, 8, 8)),
        built(SkipConnection()),
        built(SkipConnection(2)),
        built(layers.MaxPooling2D(3)),
        built(layers.AveragePooling2D(3)),
        chain(layers.Conv2D(6, 3)),
        chain(layers.Conv2D(6, 3), layers.ReLU()),
        chain(layers.Conv2D(6, 5)),
    ]
    assert len(set(map(module_key, alike_or_not))) == len(alike_or_not)


def test_a_key_survives_saving_and_loading():
    layer = chain(layers.Conv2D(6, 3), layers.ReLU())
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert module_key(copy) == module_key(layer)


@pytest.fixture
def modules():
    return [
        Module("stem", "stem", built(layers.Conv2D(6, 3, padding="same"))),
        Module("op/skip", "branch", built(SkipConnection()), "op"),
    ]


@pytest.mark.parametrize(("unit", "cost"), [("macs", 64 * 9 * 4 * 6), ("params", 222)])
def test_counts_modules(modules, unit, cost):
    table = CostTable.count(modules, unit)
    assert table.unit == unit
    assert [table.cost(module) for module in modules] == [cost, 0]


def test_a_lacking_module_is_named(modules):
    table = CostTable.count(modules[:1])
    with pytest.raises(ValueError, match="cost table .*lacks op/skip.*SkipConnection"):
        table.cost(modules[1])


def test_a_message_names_the_file(modules, tmp_path):
    CostTable.count(modules[:1]).save(tmp_path / "table.json")
    table = CostTable.load(tmp_path / "table.json")
    with pytest.raises(ValueError, match=r"table.json \(macs, 1 modules\) lacks"):
        table.cost(modules[1])


def test_a_file_keeps_the_table(tmp_path, modules):
    table = CostTable(
        "ms",
        {
            module_key(module.layer): {"cost": 0.25, "spread": 0.01}
            for module in modules
        },
        gate={"taken": 0.5, "not_taken": 0.125},
        remainder=3.5,
        provenance={"device": "a phone"},
    )
    table.save(tmp_path / "table.json")
    loaded = CostTable.load(tmp_path / "table.json")
    assert loaded.content() == table.content()
    assert [path.name for path in tmp_path.iterdir()] == ["table.json"]


def test_a_smallest_file_is_enough(tmp_path):
    path = tmp_path / "table.json"
    path.write_text('{"unit": "ms", "modules": {"KEY": {"cost": 2}}, "gate": null}')
    table = CostTable.load(path)
    assert table.gate == {"taken": 0, "not_taken": 0} and table.remainder == 0


def content(**changes):
    return json.dumps({"unit": "ms", "modules": {"KEY": {"cost": 1.5}}, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        content()[:-5],
        "[]",
        "3",
        '{"unit": "ms"}',
        '{"modules": {}}',
        content(unit="hours"),
        content(unit=["ms"]),
        content(modules=[1.0]),
        content(modules={"KEY": 1.5}),
        content(modules={"KEY": {}}),
        content(modules={"KEY": {"cost": "high"}}),
        content(modules={"KEY": {"cost": None}}),
        content(modules={"KEY": {"cost": float("nan")}}),
        content(gate={"taken": 1.0}),
        content(gate={"taken": 1.0, "not_taken": "0"}),
        content(remainder="much"),
        "[" * 100_000,
        content(modules={}),
        content(modules={"KEY": {"cost": 0}}),
        content(modules={"KEY": {"cost": -1}}),
        content(modules={"KEY": {"cost": True}}),
        content(modules={"KEY": {"cost": 10**400}}),
        content(modules={"KEY": {"cost": float("inf")}}),
        content(gate={"taken": -0.1, "not_taken": 0.0}),
        content(gate=[0, 0]),
        content(remainder=-0.4),
        content(remainder=False),
        content(overflow={"above": 1.0, "factor": -1.0}),
        content(overflow={"above": 1.0}),
        content(provenance="a phone"),
    ],
)
def test_what_is_not_a_cost_table_is_refused(tmp_path, text):
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="table.json is not a cost table"):
        CostTable.load(path)


def test_a_binary_file_is_refused(tmp_path):
    (tmp_path / "table.json").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(ValueError, match="not a cost table"):
        CostTable.load(tmp_path / "table.json")


def test_a_file_with_a_byte_order_mark(tmp_path):
    (tmp_path / "table.json").write_text(content(), encoding="utf-8-sig")
    assert CostTable.load(tmp_path / "table.json").unit == "ms"


@pytest.mark.parametrize("cost", [-1.0, 0.0, float("nan"), float("inf"), True])
def test_what_is_no_table_is_neither_made_nor_saved(tmp_path, cost):
    with pytest.raises(ValueError, match="This is not a cost table: "):
        CostTable("ms", {"KEY": {"cost": cost}})
    table = CostTable("ms", {"KEY": {"cost": 1.0}})
    table.modules["KEY"]["cost"] = cost
    with pytest.raises(ValueError, match="table.json is not written"):
        table.save(tmp_path / "table.json")
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match="nowhere.json"):
        CostTable.load(tmp_path / "nowhere.json")


def test_a_large_table_is_known_by_its_begin(tmp_path):
    path = tmp_path / "table.json"
    modules = {f"module {index}": {"cost": 1.0} for index in range(5000)}
    CostTable("ms", modules, provenance={"source": "run"}).save(path)
    assert path.stat().st_size > 2**17

    def is_ours(text):  # As `export.flags.output_from_flags` looks at it.
        return '"unit":' in text and '"modules":' in text

    assert check_output("output", path, ".json", is_ours) == path
    path.write_text('{"class_names": []}')
    with pytest.raises(ValueError, match="this command did not write it"):
        check_output("output", path, ".json", is_ours)
