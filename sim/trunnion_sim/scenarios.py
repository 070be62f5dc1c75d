"""Scenario suites: what the cell is like while a model is proven, declared in versioned YAML."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from trunnion_contract.cell import CameraLayout, CellLayout
from trunnion_contract.errors import BadInput
from trunnion_contract.names import Fraction, Name
from trunnion_contract.strict import Strict, parse, read_yaml
from trunnion_contract.usecase import UseCase
from trunnion_sim.conditions import NOMINAL_CELL, Conditions
from trunnion_sim.parts import CLUTTER, KINDS, LOOK_ALIKES, Colour, Placement, scattered
from trunnion_sim.perturbation import misplaced_camera
from trunnion_sim.randomisation import any_colour, metal_colour, seen_against, turned_light
from trunnion_sim.renderer import Look
from trunnion_sim.sampling import Draws, Grid, cell_name, doubled, stream
from trunnion_sim.textures import Texture

NOMINAL = "nominal"
SHIPPED = Path(__file__).parent / "scenarios"
CELLS_MAX = 256


class Scenario(Conditions):
    """Conditions, and how many episodes are played under them.

    Attributes:
        episodes: how many are played, with the seeds from `first_seed` on; scenarios that share them can be paired.
        success_lower_min: gate on the lower bound of the rate's Wilson 95 % interval; None measures only.
        draw: keys that are drawn anew for every episode.
    """

    name: Name
    episodes: int = Field(ge=1, le=100_000)
    first_seed: int = Field(default=200_000, ge=0)
    success_lower_min: Fraction | None = None
    draw: Draws = Draws()

    @property
    def seeds(self) -> range:
        """The seeds of its episodes."""
        return range(self.first_seed, self.first_seed + self.episodes)

    def drawn(self, seed: int) -> Scenario:
        """The scenario as it is in the episode of `seed`, with nothing left to be drawn."""
        values = {name: sampler.draw(stream(seed, name)) for name, sampler in self.draw.said().items()}
        return self.model_copy(update={**values, "draw": Draws()}) if values else self

    @model_validator(mode="after")
    def _said_once(self) -> Scenario:
        _refuse_both(self, "draw", self.draw.said())
        return self


class ScenarioGrid(Scenario):
    """A scenario as a file declares it: with a grid it stands for one scenario per combination of values."""

    grid: Grid = Grid()

    def scenarios(self) -> Iterator[Scenario]:
        """One for each cell of the grid; the scenario itself where there is none."""
        values = self.grid.said()
        plain = {name: getattr(self, name) for name in Scenario.model_fields}
        for combination in product(*values.values()):
            cell = dict(zip(values, combination, strict=True))
            yield Scenario.model_validate({**plain, **cell, "name": cell_name(self.name, cell)})

    @model_validator(mode="after")
    def _can_be_laid_out(self) -> ScenarioGrid:
        values = self.grid.said()
        _refuse_both(self, "grid", values)
        if both := sorted(values.keys() & self.draw.said().keys()):
            raise ValueError(f"{both[0]} in `grid` or in `draw`, and not in both")
        if twice := [name for name, of_one in values.items() if doubled(of_one)]:
            raise ValueError(f"values of grid.{twice[0]} that are named once each")
        if math.prod(map(len, values.values())) > CELLS_MAX:
            raise ValueError(f"a grid of at most {CELLS_MAX} cells")
        _refuse_what_cannot_be(self.scenarios())
        return self


class _Versioned(Strict):
    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")


class Suite(_Versioned):
    """The scenarios in which a model is proven, with every grid laid out."""

    scenarios: tuple[Scenario, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_single(self) -> Suite:
        _refuse_doubles(self.scenarios)
        return self

    @property
    def nominal(self) -> Scenario:
        """The scenario called nominal, or the first of a suite that has none."""
        return next((scenario for scenario in self.scenarios if scenario.name == NOMINAL), self.scenarios[0])

    def scenario(self, name: str) -> Scenario:
        """The scenario of that name."""
        return next(scenario for scenario in self.scenarios if scenario.name == name)


class SuiteFile(_Versioned):
    """`*.yaml`: a suite as a person writes it."""

    scenarios: tuple[ScenarioGrid, ...] = Field(min_length=1)

    def suite(self) -> Suite:
        """The suite with every grid laid out."""
        laid_out = tuple(cell for scenario in self.scenarios for cell in scenario.scenarios())
        return Suite(schema=1, name=self.name, version=self.version, scenarios=laid_out)

    @model_validator(mode="after")
    def _names_are_single(self) -> SuiteFile:
        _refuse_doubles([cell for scenario in self.scenarios for cell in scenario.scenarios()])
        return self


@dataclass(frozen=True)
class Task:
    """What an episode begins with: what lies where, how it looks, and what is ordered into which bin.

    `camera` is where the camera really is; the robot believes the layout of the cell.
    """

    placements: tuple[Placement, ...]
    colours: tuple[Colour, ...]
    look: Look
    camera: CameraLayout
    order: dict[str, int]
    bin: str


def read_suite(path: Path) -> Suite:
    """Read a suite from its YAML file.

    Raises:
        BadInput: names file and key for an unknown key, or a value that cannot be.
    """
    return parse(SuiteFile, read_yaml(path), str(path)).suite()


def load_suite(usecase: UseCase) -> Suite:
    """The suite that a use case names: a file beside it, or one that is shipped here.

    Raises:
        BadInput: there is none of that name, it has a key it should not have, or it is for other classes.
    """
    wanted = usecase.prove.suite or ""
    path = next(
        (path for path in (usecase.beside(wanted), SHIPPED / f"{wanted}.yaml") if path.is_file()), None
    )
    if path is None:
        shipped = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.yaml")))
        raise BadInput(
            where=f"{usecase.name}: prove.suite",
            got=f"'{wanted}', which is neither a file beside the use case nor a shipped suite",
            wanted=f"a YAML file, or one of {shipped}",
            next_step="correct the name",
        )
    suite = read_suite(path)
    check_classes(suite, usecase, path)
    return suite


def draw_task(conditions: Conditions, layout: CellLayout, rng: np.random.Generator) -> Task:
    """Draw the episode that `rng` stands for; the order asks only for what lies in the tray."""
    # Children of the generator: what is drawn from them changes nothing of what is drawn from itself.
    surfaces, strangers, camera = rng.spawn(3)
    look = _look(conditions, rng, surfaces)
    placements, colours = _parts(conditions, layout, look, rng)
    lying = [placement.label for placement in placements if placement.label in KINDS]
    count = min(int(rng.integers(conditions.ordered[0], conditions.ordered[1] + 1)), len(lying))
    ordered = rng.choice(len(lying), count, replace=False)
    order = dict(Counter(lying[number] for number in sorted(ordered.tolist())))
    bin_name = str(rng.choice(list(layout.bins)))
    labels = [str(label) for label in strangers.choice(tuple(LOOK_ALIKES), conditions.look_alikes)]
    alike, their_colours = _scattered(conditions, layout, look, labels, strangers, placements)
    real_camera = misplaced_camera(
        layout.camera, conditions.camera_shift_mm, conditions.camera_turn_deg, camera
    )
    return Task(placements + alike, colours + their_colours, look, real_camera, order, bin_name)


def _parts(
    conditions: Conditions, layout: CellLayout, look: Look, rng: np.random.Generator
) -> tuple[tuple[Placement, ...], tuple[Colour, ...]]:
    """Parts first, so that clutter never takes the room of what could be ordered."""
    count = int(rng.integers(conditions.parts[0], conditions.parts[1] + 1))
    known = tuple(label for label in KINDS if label in layout.part_heights_m)
    labels = [str(label) for label in rng.choice(conditions.classes or known, count)]
    labels += [str(label) for label in rng.choice(tuple(CLUTTER), conditions.clutter)]
    return _scattered(conditions, layout, look, labels, rng)


def _scattered(
    conditions: Conditions,
    layout: CellLayout,
    look: Look,
    labels: list[str],
    rng: np.random.Generator,
    lying: tuple[Placement, ...] = (),
) -> tuple[tuple[Placement, ...], tuple[Colour, ...]]:
    width_m, depth_m = (side_m * conditions.tray_share for side_m in layout.tray.size_m)
    placements = scattered(
        labels,
        layout.tray.center_base_m,
        (width_m, depth_m),
        rng,
        clearance_m=conditions.clearance_mm / 1000,
        yaw_max_rad=float(np.radians(conditions.yaw_max_deg)),
        lying=lying,
    )
    colours = tuple(
        seen_against(look.palette.tray, any_colour if placement.label in CLUTTER else metal_colour, rng)
        for placement in placements
    )
    return tuple(placements), colours


def _look(conditions: Conditions, rng: np.random.Generator, surfaces: np.random.Generator) -> Look:
    turn_rad = np.radians(rng.uniform(-1, 1) * conditions.light_turn_deg)
    nominal = Look()
    light = turned_light(nominal.light, float(turn_rad))
    look = replace(nominal, light=light, exposure=nominal.exposure * conditions.light)
    if conditions.texture == "nominal":
        return look
    pattern, strength, scale_m = conditions.texture, conditions.texture_strength, conditions.texture_scale_m
    table, tray = (
        Texture(pattern, strength, scale_m, int(seed)) for seed in surfaces.integers(1 << 30, size=2)
    )
    return replace(look, table=table, tray=tray)


def _refuse_what_cannot_be(scenarios: Iterator[Scenario]) -> None:
    """Values that can each be may not go together, and their names may make too long a one."""
    try:
        for _ in scenarios:
            pass
    except ValidationError as error:
        problem = error.errors()[0]
        raise ValueError(f"cells of the grid with {problem['msg'].removeprefix('Value error, ')}") from None


def _refuse_both(scenario: Scenario, key: str, said: dict[str, Any]) -> None:
    # Keys that were never said and keys that were said to be nominal look alike once they come from JSON.
    both = [name for name in said if getattr(scenario, name) != getattr(NOMINAL_CELL, name)]
    if both:
        raise ValueError(f"{both[0]} in `{key}` or beside it, and not in both")


def _refuse_doubles(scenarios: tuple[Scenario, ...] | list[Scenario]) -> None:
    counted = Counter(scenario.name for scenario in scenarios)
    if twice := [name for name, count in counted.items() if count > 1]:
        raise ValueError(f"scenarios that are named once each, and not {twice[0]} twice")


def check_classes(suite: Suite, usecase: UseCase, path: Path) -> None:
    """Refuse a suite for other classes than those of the use case, and classes that cannot be simulated.

    Raises:
        BadInput: names the scenario and the class.
    """
    for label in usecase.classes:
        _check_class(label, tuple(KINDS), f"{usecase.name}: classes", "the simulator has no shape for")
    for scenario in suite.scenarios:
        for label in scenario.classes or ():
            where = f"{path}: scenario {scenario.name}: classes"
            _check_class(label, tuple(KINDS), where, "the simulator has no shape for")
            _check_class(label, usecase.classes, where, f"the models of {usecase.name} do not know")


def _check_class(label: str, known: tuple[str, ...], where: str, why: str) -> None:
    if label not in known:
        raise BadInput(
            where=where,
            got=f"'{label}', which {why}",
            wanted=f"some of {', '.join(known)}",
            next_step="name other classes, or another prove.suite",
        )
