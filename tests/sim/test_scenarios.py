from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase, load_usecase
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.parts import CLUTTER, KINDS
from trunnion_sim.scenarios import SHIPPED, Scenario, Suite, draw_task, load_suite

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
        assert cell.world.bullet.getDynamicsInfo(part.body, -1)[1] == pytest.approx(0.35)
