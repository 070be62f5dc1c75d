from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_sim.conditions import Conditions
from trunnion_sim.sampling import DRAWN, Draws, cell_name, stream
from trunnion_sim.textures import PATTERNS

seeds = st.integers(0, 2**32)


def _sampler(key: str, how: str, *values: Any) -> Any:
    return getattr(parse(Draws, {key: {how: list(values)}}, "suite.yaml"), key)


@given(st.floats(-6, 6), st.floats(-6, 6), seeds)
def test_even_draws_stay_within_their_bounds(one: float, other: float, seed: int) -> None:
    low, high = sorted((one, other))
    if low < high:
        assert low <= _sampler("exposure_stops", "uniform", low, high).draw(stream(seed, "x")) <= high


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), seeds)
def test_logarithmic_draws_stay_within_their_bounds(one: float, other: float, seed: int) -> None:
    low, high = sorted((one, other))
    if low < high:
        assert low <= _sampler("light", "log_uniform", low, high).draw(stream(seed, "x")) <= high


@given(st.integers(0, 12), st.integers(0, 12), seeds)
def test_what_counts_is_drawn_in_whole_numbers(one: int, other: int, seed: int) -> None:
    low, high = sorted((one, other))
    if low < high:
        drawn = _sampler("clutter", "uniform", low, high).draw(stream(seed, "x"))
        assert isinstance(drawn, int)
        assert low <= drawn <= high


def test_both_bounds_of_a_count_are_drawn() -> None:
    sampler = _sampler("clutter", "uniform", 0, 2)
    assert {sampler.draw(stream(seed, "clutter")) for seed in range(50)} == {0, 1, 2}


def test_an_even_draw_is_even_and_a_logarithmic_one_is_even_in_its_logarithm() -> None:
    even = [_sampler("light", "uniform", 0.1, 10).draw(stream(seed, "light")) for seed in range(400)]
    scaled = [_sampler("light", "log_uniform", 0.1, 10).draw(stream(seed, "light")) for seed in range(400)]
    assert np.median(even) == pytest.approx(5.05, rel=0.15)
    assert np.median(scaled) == pytest.approx(1.0, rel=0.35)


def test_every_value_of_a_choice_is_drawn() -> None:
    sampler = _sampler("texture", "choice", "grain", "checks", "plain")
    assert {sampler.draw(stream(seed, "texture")) for seed in range(50)} == {"grain", "checks", "plain"}


def test_what_a_purpose_draws_depends_on_no_other_purpose() -> None:
    assert stream(5, "light").random() == stream(5, "light").random()
    assert stream(5, "light").random() != stream(5, "noise").random()
    assert stream(5, "light").random() != stream(6, "light").random()


def test_every_key_that_is_a_number_or_a_pattern_can_be_drawn() -> None:
    assert set(Conditions.model_fields) - set(DRAWN) == {"parts", "ordered", "classes"}


def test_every_pattern_that_can_be_painted_is_a_texture() -> None:
    field = Draws.model_json_schema()["$defs"]["TextureChoice"]["properties"]["choice"]
    assert set(field["anyOf"][0]["items"]["enum"]) == {"nominal", "plain", *PATTERNS}


@pytest.mark.parametrize(
    ("draw", "key", "wanted"),
    [
        ({"lihgt": {"uniform": [0.5, 1]}}, "lihgt", "did you mean 'light'"),
        ({"light": {"unifrom": [0.5, 1]}}, "light.unifrom", "did you mean 'uniform'"),
        ({"light": {"uniform": [0, 1]}}, "light.uniform.0", "greater than 0"),
        ({"dropped_frames": {"uniform": [0, 1]}}, "dropped_frames.uniform.1", "less than 1"),
        ({"light": {"uniform": [2, 1]}}, "light", "in this order"),
        ({"light": {"uniform": [1, 1]}}, "light", "not equal"),
        ({"noise": {"log_uniform": [0, 1]}}, "noise", "no logarithm"),
        ({"light": {"uniform": [1, 2], "choice": [1]}}, "light", "one of choice"),
        ({"light": {}}, "light", "one of choice"),
        ({"light": {"choice": []}}, "light.choice", "at least 1 item"),
        ({"clutter": {"uniform": [0.5, 2]}}, "clutter.uniform.0", "integer"),
        ({"clutter": {"uniform": [0, 13]}}, "clutter.uniform.1", "less than or equal to 12"),
        ({"texture": {"choice": ["grane"]}}, "texture.choice.0", "'grain'"),
        ({"texture": {"uniform": ["checks", "grain"]}}, "texture.uniform", "choice"),
        ({"light": {"uniform": [0.5, float("inf")]}}, "light.uniform.1", "finite"),
        ({"light": 0.5}, "light", "keys with values"),
    ],
)
def test_a_range_that_cannot_be_is_refused_where_it_stands(
    draw: dict[str, Any], key: str, wanted: str
) -> None:
    with pytest.raises(BadInput) as error:
        parse(Draws, draw, "suite.yaml: draw")
    assert "suite.yaml" in error.value.where
    assert key in str(error.value)
    assert wanted in str(error.value)


def test_samplers_reach_workers_whole() -> None:
    draws = parse(Draws, {"light": {"uniform": [0.5, 1]}, "texture": {"choice": ["grain"]}}, "suite.yaml")
    again = pickle.loads(pickle.dumps(draws))
    assert again == draws
    assert again.model_dump() == {"light": {"uniform": (0.5, 1.0)}, "texture": {"choice": ("grain",)}}


def test_the_name_of_a_cell_says_its_values() -> None:
    cell = {"light": 0.4, "exposure_stops": -1.5, "clutter": 2, "parts": (1, 3), "classes": ("gear", "nut")}
    name = cell_name("one", cell)
    assert name == "one_light_0p4_exposure_stops_m1p5_clutter_2_parts_1_3_classes_gear_nut"
