"""Sizes of DMNN, and networks with another number of sub-blocks."""

import pytest

from tfdyn.families.dmnn import sizes
from tfdyn.families.dmnn.sizes import SIZES, WIDTHS, divide, equal_width


def widths(size):
    return tuple(width for _, width, _, _ in size["stages"])


def parameters(filters, width, count):
    return count * (2 * filters * width + 9 * width**2)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 16])
@pytest.mark.parametrize(("filters", "width"), [(256, 64), (2048, 512)])
def test_a_block_keeps_its_parameters(filters, width, count):
    divided = parameters(filters, equal_width(filters, width, 1, count), count)
    # A width is a whole number: at 16 sub-blocks, half a channel is 7 %.
    assert divided == pytest.approx(parameters(filters, width, 1), rel=0.08)
    assert equal_width(filters, width, count, count) == width


def test_the_rule_is_near_to_the_widths_of_the_published_sizes():
    for count, published in WIDTHS.items():
        stages = zip((256, 512, 1024, 2048), WIDTHS[1], published, strict=True)
        for filters, width, expected in stages:
            assert equal_width(filters, width, 1, count) == pytest.approx(
                expected, rel=0.08
            )


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        ("dmnn_50_n2", 1, "resnet_50"),
        ("dmnn_50_n2", 2, "dmnn_50_n2"),
        ("dmnn_50_n2", 3, "dmnn_50_n3"),
        ("dmnn_50_n3", 4, "dmnn_50_n4"),
        ("dmnn_50_cifar100", 2, "dmnn_50_n2_cifar100"),
        ("dmnn_mobilenetv2_1.4", 1, "mobilenetv2_1.4"),
    ],
)
def test_published_sizes_become_each_other(name, count, expected):
    divided, expected = divide(SIZES[name], count), SIZES[expected]
    assert divided["stages"] == expected["stages"]
    assert divided["sub_blocks"] == expected["sub_blocks"] == count


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        ("dmnn_50_n2", 5, (20, 40, 80, 161)),
        ("dmnn_xs", 2, (40, 80)),
        ("dmnn_xs", 1, widths(SIZES["resnet_xs"])),
        ("dmnn_xs", 4, (25, 51)),
        ("dmnn_mobilenetv2", 3, (1 / 3, 2, 2, 2, 2, 2, 2)),
    ],
)
def test_any_network_can_be_divided_anew(name, count, expected):
    assert widths(divide(SIZES[name], count)) == pytest.approx(expected)


@pytest.mark.parametrize("name", SIZES)
def test_the_number_of_a_size_changes_nothing(name):
    size = SIZES[name]
    assert divide(size, size.get("sub_blocks", 2))["stages"] == size["stages"]


def test_a_division_keeps_all_else():
    before = SIZES["dmnn_mobilenetv2"]
    same = set(before) - {"stages", "sub_blocks"}
    after = divide(before, 3)
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_static_twins_divide_nothing():
    assert "selection" not in sizes.resnet(sizes.RESNET_50, 2)
    assert sizes.mobilenetv2()["selection"] == "none"
    assert not sizes.mobilenetv2()["divide_inputs"]
