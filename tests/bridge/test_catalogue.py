"""What can be ordered comes from the bundle."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.bridge.running import ORDER_MAX, cell_layout

from trunnion_bridge.catalogue import read_catalogue
from trunnion_bridge.models import OrderRequest
from trunnion_bridge.problem import Refused


@pytest.fixture
def catalogue(bundle):
    return read_catalogue(bundle)


def request_of(**quantities):
    lines = [{"part": part, "quantity": quantity} for part, quantity in quantities.items()]
    return OrderRequest.model_validate({"lines": lines, "bin": "A"})


def test_parts_and_bins_are_those_of_the_bundle(catalogue):
    assert (catalogue.parts, catalogue.bins) == (("gear", "bolt", "nut"), ("A", "B"))


def test_an_order_may_fill_the_tray_and_no_more(catalogue):
    catalogue.check(request_of(gear=ORDER_MAX - 1, nut=1))

    with pytest.raises(Refused, match=f"at most {ORDER_MAX} parts"):
        catalogue.check(request_of(gear=ORDER_MAX, nut=1))


@pytest.mark.parametrize(("size_m", "most"), [((0.24, 0.40), 15), ((0.2399, 0.40), 10), ((0.05, 0.05), 1)])
def test_a_part_needs_room_for_the_opened_gripper(catalogue, size_m, most):
    layout = cell_layout()
    layout = layout.model_copy(update={"tray": layout.tray.model_copy(update={"size_m": size_m})})

    assert replace(catalogue, layout=layout).order_parts_max == most
