"""A copy of a cell is laid out like the cell."""

from __future__ import annotations

import numpy as np
import pytest

from trunnion_sim.cell import SimulatedCell
from trunnion_sim.contents import Contents, EpisodeOf, RandomParts
from trunnion_sim.scenarios import Scenario

NOISY = Scenario(name="noisy", episodes=1, noise=12, light=0.6, clutter=2, friction=0.5)


@pytest.mark.parametrize("contents", [RandomParts(("gear", "nut"), (3, 1)), EpisodeOf(NOISY, 200_003)])
def test_two_cells_with_the_same_contents_look_alike(contents: Contents) -> None:
    with SimulatedCell() as first, SimulatedCell() as second:
        second.lay_out(["bolt"], np.random.default_rng(9))
        lenses = [contents.lay_out(cell) for cell in (first, second)]
        pictures = [lens(cell.render()) for lens, cell in zip(lenses, (first, second), strict=True)]
    np.testing.assert_array_equal(*pictures)


def test_the_lens_of_an_episode_does_what_its_scenario_says() -> None:
    grey = np.full((240, 320, 3), 128, np.uint8)
    with SimulatedCell() as cell:
        assert EpisodeOf(NOISY, 1).lay_out(cell)(grey).std() == pytest.approx(12, rel=0.05)
        clear = NOISY.model_copy(update={"noise": 0.0})
        np.testing.assert_array_equal(EpisodeOf(clear, 1).lay_out(cell)(grey), grey)


def test_an_episode_is_laid_out_under_the_conditions_that_its_seed_draws() -> None:
    draw = {
        "mass_scale": {"uniform": [2, 3]},
        "camera_shift_mm": {"choice": [20]},
        "noise": {"uniform": [10, 20]},
    }
    scenario = Scenario.model_validate({"name": "drawn", "episodes": 1, "draw": draw})
    conditions = scenario.drawn(7)
    with SimulatedCell() as cell:
        plain = EpisodeOf(Scenario(name="plain", episodes=1), 7)
        plain.lay_out(cell)
        mass_kg, there = (cell.world._bullet.getDynamicsInfo(cell.parts[0].body, -1)[0], cell.render())
        lens = EpisodeOf(scenario, 7).lay_out(cell)
        heavier_kg, elsewhere = (cell.world._bullet.getDynamicsInfo(cell.parts[0].body, -1)[0], cell.render())
        grey = lens(np.full((240, 320, 3), 128, np.uint8))
    assert heavier_kg == pytest.approx(mass_kg * conditions.mass_scale)
    assert np.abs(elsewhere.astype(float) - there).mean() > 1
    assert grey.std() == pytest.approx(conditions.noise, rel=0.05)
