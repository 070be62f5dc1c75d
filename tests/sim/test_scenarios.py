from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase, load_usecase
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.conditions import NOMINAL_CELL, Conditions
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.parts import CLUTTER, KINDS, LOOK_ALIKES
from trunnion_sim.scenarios import SHIPPED, Scenario, Suite, SuiteFile, draw_task, load_suite, read_suite

USECASE = Path(__file__).resolve().parents[2] / "training" / "usecases" / "sorting_cell.yaml"


@pytest.fixture(scope="module")
def usecase() -> UseCase:
    return load_usecase(USECASE)


def _with(usecase: UseCase, **prove: object) -> UseCase:
    changed = usecase.model_copy(update={"prove": usecase.prove.model_copy(update=prove)})
    changed._folder = usecase._folder
    return changed


def _task(seed: int = 3, **fields: object):  # type: ignore[no-untyped-def]
    scenario = Scenario.model_validate({"name": "one", "episodes": 1, **fields})
    return draw_task(scenario, SORTING_CELL, np.random.default_rng(seed))


def test_the_shipped_suite_covers_what_a_cell_meets(usecase: UseCase) -> None:
    suite = load_suite(usecase)
    names = {scenario.name for scenario in suite.scenarios}
    assert names >= {
        "nominal", "dim_light", "clutter", "camera_noise", "camera_blur", "latency", "dropped_frames", "low_friction",
    }  # fmt: skip
    nominal = suite.scenario("nominal")
    assert nominal.episodes == 200
    assert nominal.success_lower_min == 0.80
    assert len(nominal.seeds) == 200


def test_the_simulators_own_layout_is_that_of_the_reference_use_case(usecase: UseCase) -> None:
    assert usecase.cell == SORTING_CELL


def test_a_suite_may_stand_beside_the_use_case(usecase: UseCase, tmp_path: Path) -> None:
    document = yaml.safe_load((SHIPPED / "sorting_cell.yaml").read_text())
    document["name"] = "mine"
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    own = _with(usecase, suite="mine.yaml")
    own._folder = tmp_path
    assert load_suite(own).name == "mine"


def test_an_unknown_suite_is_refused_with_those_there_are(usecase: UseCase) -> None:
    with pytest.raises(BadInput, match="sorting_cell") as error:
        load_suite(_with(usecase, suite="sorting_sell"))
    assert "sorting_sell" in error.value.got


def test_an_unknown_key_is_refused_with_the_one_that_was_meant() -> None:
    document = yaml.safe_load((SHIPPED / "sorting_cell.yaml").read_text())
    document["scenarios"][0]["frictoin"] = 0.5
    with pytest.raises(BadInput, match="did you mean 'friction'"):
        parse(Suite, document, "suite.yaml")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("episodes", 0),
        ("light", -1),
        ("dropped_frames", 1.0),
        ("parts", [5, 2]),
        ("ordered", [0, 1]),
        ("friction", 0),
    ],
)
def test_values_that_mean_nothing_are_refused(field: str, value: object) -> None:
    with pytest.raises(BadInput, match=field):
        parse(Scenario, {"name": "one", "episodes": 1, field: value}, "suite.yaml")


def test_two_scenarios_of_one_name_are_refused() -> None:
    one = {"name": "one", "episodes": 1}
    with pytest.raises(BadInput, match="once"):
        parse(Suite, {"schema": 1, "name": "s", "version": "1.0.0", "scenarios": [one, one]}, "suite.yaml")


def test_parts_without_a_shape_are_refused(usecase: UseCase) -> None:
    strange = usecase.model_copy(update={"classes": ("gear", "sprocket")})
    strange._folder = usecase._folder
    with pytest.raises(BadInput, match="sprocket"):
        load_suite(strange)


def test_the_same_seed_draws_the_same_task() -> None:
    assert _task(seed=5) == _task(seed=5)
    assert _task(seed=5) != _task(seed=6)


def test_orders_ask_only_for_what_lies_in_the_tray() -> None:
    for seed in range(30):
        task = _task(seed, parts=[2, 6], ordered=[1, 3], clutter=3)
        lying = Counter(placement.label for placement in task.placements)
        assert 1 <= sum(task.order.values()) <= 3
        assert all(label in KINDS and count <= lying[label] for label, count in task.order.items())
        assert task.bin in SORTING_CELL.bins


def test_clutter_lies_among_the_parts() -> None:
    labels = [placement.label for placement in _task(parts=[3, 3], clutter=2).placements]
    assert sum(label in CLUTTER for label in labels) == 2
    assert sum(label in KINDS for label in labels) == 3


def test_classes_and_tray_share_bound_what_is_laid_out() -> None:
    for placement in _task(classes=["nut"], tray_share=0.7, parts=[3, 3]).placements:
        assert placement.label == "nut"
        offset = np.abs(np.subtract(placement.position_base_m[:2], SORTING_CELL.tray.center_base_m[:2]))
        assert (offset <= 0.7 * 0.13).all()


def test_dim_light_and_side_light_change_the_picture() -> None:
    plain, dim, side = _task(), _task(light=0.4), _task(light_turn_deg=180)
    assert plain.placements == dim.placements, "the scenarios of one seed differ in light alone"
    with SimulatedCell() as cell:
        pictures = []
        for task in (plain, dim, side):
            cell.set_look(task.look)
            cell.reset(plain.placements, colours=plain.colours)
            pictures.append(cell.render().astype(float))
    assert pictures[1].mean() == pytest.approx(0.4 * pictures[0].mean(), rel=0.05)
    assert np.abs(pictures[2] - pictures[0]).max() > 40


def test_on_slippery_parts_friction_is_what_the_scenario_says() -> None:
    task = _task(parts=[1, 1])
    with SimulatedCell() as cell:
        cell.reset(task.placements, colours=task.colours, friction=0.35)
        (part,) = cell.parts
        assert cell.world._bullet.getDynamicsInfo(part.body, -1)[1] == pytest.approx(0.35)


def _suite(*scenarios: dict[str, Any]) -> Suite:
    document = {"schema": 1, "name": "s", "version": "1.0.0", "scenarios": list(scenarios)}
    return parse(SuiteFile, document, "suite.yaml").suite()


def _grid(values: dict[str, Any], **said: Any) -> Suite:
    return _suite({"name": "one", "episodes": 3, "grid": values, **said})


def test_a_grid_is_one_scenario_for_each_combination_with_its_values_in_its_name() -> None:
    suite = _grid({"light": [0.4, 0.7, 1.0], "noise": [0, 8]}, success_lower_min=0.5)
    assert [(scenario.name, scenario.light, scenario.noise) for scenario in suite.scenarios] == [
        ("one_light_0p4_noise_0", 0.4, 0),
        ("one_light_0p4_noise_8", 0.4, 8),
        ("one_light_0p7_noise_0", 0.7, 0),
        ("one_light_0p7_noise_8", 0.7, 8),
        ("one_light_1_noise_0", 1.0, 0),
        ("one_light_1_noise_8", 1.0, 8),
    ]
    assert {(s.episodes, s.success_lower_min) for s in suite.scenarios} == {(3, 0.5)}


def test_a_suite_comes_back_whole_from_yaml_and_from_plain_data(tmp_path: Path) -> None:
    for shipped in sorted(SHIPPED.glob("*.yaml")):
        suite = read_suite(shipped)
        plain = suite.model_dump(mode="json", by_alias=True)
        assert parse(Suite, plain, "suite.json") == suite
        (tmp_path / "again.yaml").write_text(yaml.safe_dump(plain))
        assert read_suite(tmp_path / "again.yaml") == suite


@pytest.mark.parametrize(
    ("said", "where", "wanted"),
    [
        ({"grid": {"lihgt": [1]}}, "scenarios.0.grid.lihgt", "did you mean 'light'"),
        ({"grid": {"light": [1, -1]}}, "scenarios.0.grid.light.1", "greater than 0"),
        ({"grid": {"light": []}}, "scenarios.0.grid.light", "at least 1 item"),
        ({"grid": {"light": [1, 1]}}, "scenarios.0", "named once"),
        ({"grid": {"light": [1]}, "light": 0.5}, "scenarios.0", "not in both"),
        ({"draw": {"light": {"choice": [1]}}, "light": 0.5}, "scenarios.0", "not in both"),
        ({"grid": {"light": [1]}, "draw": {"light": {"choice": [1]}}}, "scenarios.0", "not in both"),
        ({"grid": {"parts": [[1, 2], [5, 2]]}}, "scenarios.0", "[fewest, most]"),
        ({"parts": [1, 2], "ordered": [3, 4]}, "scenarios.0", "no more than the most parts"),
        (
            {"grid": {"noise": list(range(20)), "light": [1 + n for n in range(20)]}},
            "scenarios.0",
            "256 cells",
        ),
        ({"name": "a" * 60, "grid": {"light": [1]}}, "scenarios.0", "a name"),
        ({"draw": {"light": {"uniform": [1, -1]}}}, "scenarios.0.draw.light.uniform.1", "greater than 0"),
    ],
)
def test_grids_and_draws_that_cannot_be_are_refused_where_they_stand(
    said: dict[str, Any], where: str, wanted: str
) -> None:
    with pytest.raises(BadInput) as error:
        _suite({"name": "one", "episodes": 1, **said})
    assert error.value.where.startswith(f"suite.yaml: {where}")
    assert wanted in str(error.value)


def test_two_cells_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput, match="one_light_1"):
        _suite(
            {"name": "one", "episodes": 1, "grid": {"light": [1.0]}}, {"name": "one_light_1", "episodes": 1}
        )


def test_what_is_drawn_is_another_in_every_episode_and_the_same_in_the_same() -> None:
    (scenario,) = _suite(
        {
            "name": "one",
            "episodes": 9,
            "draw": {"light": {"uniform": [0.4, 1.6]}, "clutter": {"choice": [1, 3]}},
        }
    ).scenarios
    lights = [scenario.drawn(seed).light for seed in scenario.seeds]
    assert len(set(lights)) == 9
    assert all(0.4 <= light <= 1.6 for light in lights)
    assert lights == [scenario.drawn(seed).light for seed in scenario.seeds]
    assert {scenario.drawn(seed).clutter for seed in range(40)} == {1, 3}
    assert scenario.drawn(5).drawn(6) == scenario.drawn(5), "nothing is left to be drawn"


def test_a_scenario_without_draws_is_the_same_in_every_episode() -> None:
    scenario = Scenario(name="one", episodes=1)
    assert scenario.drawn(7) is scenario


def test_a_suite_for_classes_that_the_models_do_not_know_is_refused(usecase: UseCase) -> None:
    two = usecase.model_copy(update={"classes": ("gear", "bolt")})
    two._folder = usecase._folder
    with pytest.raises(BadInput) as error:
        load_suite(_with(two, suite="full"))
    assert "full.yaml: scenario only_classes_nut: classes" in error.value.where
    assert "'nut'" in error.value.got
    assert error.value.wanted == "some of gear, bolt"


def test_in_a_cell_of_fewer_classes_only_those_lie_in_the_tray() -> None:
    heights_m = {"gear": 0.018, "nut": 0.016}
    cell = SORTING_CELL.model_copy(update={"part_heights_m": heights_m})
    scenario = Scenario(name="one", episodes=1, parts=(6, 6))
    for seed in range(5):
        task = draw_task(scenario, cell, np.random.default_rng(seed))
        assert {placement.label for placement in task.placements} <= heights_m.keys()


def test_the_full_suite_says_every_key(usecase: UseCase) -> None:
    said: set[str] = set()
    for scenario in load_suite(_with(usecase, suite="full")).scenarios:
        said |= scenario.draw.said().keys()
        said |= {
            key for key in Conditions.model_fields if getattr(scenario, key) != getattr(NOMINAL_CELL, key)
        }
    assert said == set(Conditions.model_fields)


def test_the_smoke_suite_is_small_and_every_scenario_of_it_can_refuse(usecase: UseCase) -> None:
    suite = load_suite(_with(usecase, suite="smoke"))
    assert sum(scenario.episodes for scenario in suite.scenarios) <= 200
    assert all(scenario.success_lower_min for scenario in suite.scenarios)


def test_look_alikes_lie_beside_the_very_parts_of_the_nominal_cell() -> None:
    plain, more = _task(seed=4, parts=[2, 3]), _task(seed=4, parts=[2, 3], look_alikes=3)
    count = len(plain.placements)
    assert more.placements[:count] == plain.placements
    assert (more.order, more.bin) == (plain.order, plain.bin)
    labels = [placement.label for placement in more.placements[count:]]
    assert len(labels) == 3
    assert set(labels) <= set(LOOK_ALIKES)
    assert len(more.colours) == len(more.placements)


def test_parts_are_turned_no_further_than_they_may_be() -> None:
    yaws = [
        abs(placement.yaw_rad) for seed in range(9) for placement in _task(seed, yaw_max_deg=30).placements
    ]
    assert 0.4 < max(yaws) <= np.radians(30)
    assert {placement.yaw_rad for placement in _task(yaw_max_deg=0).placements} == {0}


def test_parts_keep_the_room_between_them_that_is_asked_for() -> None:
    def narrowest_mm(clearance_mm: float) -> float:
        gaps = []
        for seed in range(12):
            lying = _task(seed, parts=[5, 6], clearance_mm=clearance_mm).placements
            for number, one in enumerate(lying):
                for other in lying[:number]:
                    apart_m = np.linalg.norm(np.subtract(one.position_base_m, other.position_base_m)[:2])
                    gaps.append(
                        apart_m - KINDS[one.label].footprint_radius_m - KINDS[other.label].footprint_radius_m
                    )
        return float(min(gaps) * 1000)

    assert 5 <= narrowest_mm(5) < 31 <= narrowest_mm(31)


def test_a_texture_is_laid_anew_for_every_episode_and_changes_the_picture() -> None:
    plain = _task(seed=1)
    checked, other = (_task(seed=seed, texture="checks", texture_strength=0.4) for seed in (1, 2))
    assert checked.placements == plain.placements
    assert checked.look.table != other.look.table
    with SimulatedCell() as cell:
        cell.reset([])
        pictures = []
        for task in (plain, checked):
            cell.set_look(task.look)
            pictures.append(cell.render().astype(float))
    assert np.abs(pictures[1] - pictures[0]).mean() > 8


def test_a_heavier_part_pushes_back_harder() -> None:
    def moved_m(mass_scale: float) -> float:
        with SimulatedCell() as cell:
            cell.reset(_task(parts=[1, 1]).placements, mass_scale=mass_scale)
            (part,) = cell.parts
            cell.world.step(24)
            start = part.position_base_m()
            bullet = cell.world._bullet
            for _ in range(24):
                bullet.applyExternalForce(part.body, -1, [1.0, 0, 0], start.tolist(), bullet.WORLD_FRAME)
                cell.world.step()
            return float(np.linalg.norm((part.position_base_m() - start)[:2]))

    assert moved_m(1.0) > 3 * moved_m(3.0)


def test_the_camera_stands_elsewhere_and_the_robot_does_not_know() -> None:
    task = _task(camera_shift_mm=10)
    assert task.camera != SORTING_CELL.camera
    assert task.placements == _task().placements
    assert _task().camera == SORTING_CELL.camera
