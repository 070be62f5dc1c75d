from __future__ import annotations

import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_sim.conditions import NOMINAL_CELL, Conditions
from trunnion_sim.scenarios import Scenario


@pytest.mark.parametrize("key", Conditions.model_fields)
def test_every_key_is_explained(key: str) -> None:
    assert f"        {key}: " in (Conditions.__doc__ or "")


def test_a_scenario_that_says_nothing_is_the_nominal_cell() -> None:
    said_nothing = Scenario(name="one", episodes=1).model_dump(include=set(Conditions.model_fields))
    assert said_nothing == NOMINAL_CELL.model_dump()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("jpeg_compression", 100),
        ("exposure_stops", 7),
        ("mass_scale", 0),
        ("camera_shift_mm", -1),
        ("joint_noise_deg", 6),
        ("yaw_max_deg", 181),
        ("texture", "tartan"),
        ("look_alikes", 1.5),
        ("noise", float("nan")),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_key(key: str, value: object) -> None:
    with pytest.raises(BadInput, match=f"conditions: {key}"):
        parse(Conditions, {key: value}, "conditions")
