"""Scenario suites: what the cell is like while a model is proven, declared in versioned YAML."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput
from trunnion_contract.strict import Strict, parse, read_yaml
from trunnion_contract.usecase import Fraction, Name, UseCase
from trunnion_sim.parts import CLEARANCE_M, CLUTTER, KINDS, Colour, Placement, scattered
from trunnion_sim.randomisation import any_colour, metal_colour, seen_against, turned_light
from trunnion_sim.renderer import Look

NOMINAL = "nominal"
SHIPPED = Path(__file__).parent / "scenarios"
Positive = Annotated[float, Field(gt=0)]


class Scenario(Strict):
    """One way the cell may be. Everything that is not said is as in the nominal cell.

    Attributes:
        episodes: how many are played, with the seeds from `first_seed` on; scenarios that share them can be paired.
        success_lower_min: gate on the lower bound of the rate's Wilson 95 % interval; None measures only.
        parts: fewest and most parts in the tray.
        ordered: fewest and most parts in an order.
        classes: classes that lie in the tray; None for all.
        tray_share: share of the tray's sides, about its middle, in which parts lie.
        light: brightness, 1 is nominal.
        light_turn_deg: the light's direction is turned about the vertical by up to this.
        clutter: things in the tray that are no parts.
        noise: standard deviation of the camera's noise in grey levels.
        blur_px: standard deviation of the camera's defocus.
        latency_ms: age at which frames and joint states arrive.
        dropped_frames: share of the frames that never arrive.
        friction: Coulomb coefficient of the parts.
    """

    name: Name
    episodes: int = Field(ge=1, le=100_000)
    first_seed: int = Field(default=200_000, ge=0)
    success_lower_min: Fraction | None = None
    parts: tuple[int, int] = (3, 6)
    ordered: tuple[int, int] = (1, 2)
    classes: tuple[Name, ...] | None = Field(default=None, min_length=1)
    tray_share: Fraction = 1.0
    light: Positive = 1.0
    light_turn_deg: float = Field(default=0.0, ge=0, le=180)
    clutter: int = Field(default=0, ge=0, le=12)
    noise: float = Field(default=0.0, ge=0, le=100)
    blur_px: float = Field(default=0.0, ge=0, le=20)
    latency_ms: float = Field(default=0.0, ge=0, le=1000)
    dropped_frames: float = Field(default=0.0, ge=0, lt=1)
    friction: float = Field(default=0.8, gt=0, le=2)

    @property
    def seeds(self) -> range:
        """The seeds of its episodes."""
        return range(self.first_seed, self.first_seed + self.episodes)

    @model_validator(mode="after")
    def _ranges_are_in_order(self) -> Scenario:
        for name, (low, high) in (("parts", self.parts), ("ordered", self.ordered)):
            if not 1 <= low <= high <= 12:
                raise ValueError(f"{name} as [fewest, most] between 1 and 12")
        return self


class Suite(Strict):
    """`*.yaml`: the scenarios in which a model is proven."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    scenarios: tuple[Scenario, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_single(self) -> Suite:
        if len({scenario.name for scenario in self.scenarios}) != len(self.scenarios):
            raise ValueError("scenarios that are named once each")
        return self

    @property
    def nominal(self) -> Scenario:
        """The scenario called nominal, or the first of a suite that has none."""
        return next((scenario for scenario in self.scenarios if scenario.name == NOMINAL), self.scenarios[0])

    def scenario(self, name: str) -> Scenario:
        """The scenario of that name."""
        return next(scenario for scenario in self.scenarios if scenario.name == name)


@dataclass(frozen=True)
class Task:
    """What an episode begins with: what lies where, how it looks, and what is ordered into which bin."""

    placements: tuple[Placement, ...]
    colours: tuple[Colour, ...]
    look: Look
    order: dict[str, int]
    bin: str


def load_suite(usecase: UseCase) -> Suite:
    """The suite that a use case names: a file beside it, or one that is shipped here.

    Raises:
        BadInput: there is none of that name, it has a key it should not have, or parts that cannot be simulated.
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
    suite = parse(Suite, read_yaml(path), str(path))
    _check_classes(suite, usecase, path)
    return suite


def draw_task(scenario: Scenario, layout: CellLayout, rng: np.random.Generator) -> Task:
    """Draw the episode that `rng` stands for; the order asks only for what lies in the tray."""
    look = _look(scenario, rng)
    placements, colours = _parts(scenario, layout, look, rng)
    lying = [placement.label for placement in placements if placement.label in KINDS]
    count = min(int(rng.integers(scenario.ordered[0], scenario.ordered[1] + 1)), len(lying))
    ordered = rng.choice(len(lying), count, replace=False)
    order = dict(Counter(lying[number] for number in sorted(ordered.tolist())))
    return Task(placements, colours, look, order, str(rng.choice(list(layout.bins))))


def _parts(
    scenario: Scenario, layout: CellLayout, look: Look, rng: np.random.Generator
) -> tuple[tuple[Placement, ...], tuple[Colour, ...]]:
    """Parts first, so that clutter never takes the room of what could be ordered."""
    count = int(rng.integers(scenario.parts[0], scenario.parts[1] + 1))
    labels = [str(label) for label in rng.choice(scenario.classes or tuple(KINDS), count)]
    labels += [str(label) for label in rng.choice(tuple(CLUTTER), scenario.clutter)]
    size_m = (layout.tray.size_m[0] * scenario.tray_share, layout.tray.size_m[1] * scenario.tray_share)
    placements = scattered(labels, layout.tray.center_base_m, size_m, rng, clearance_m=CLEARANCE_M)
    colours = tuple(
        seen_against(look.palette.tray, metal_colour if placement.label in KINDS else any_colour, rng)
        for placement in placements
    )
    return tuple(placements), colours


def _look(scenario: Scenario, rng: np.random.Generator) -> Look:
    turn_rad = np.radians(rng.uniform(-1, 1) * scenario.light_turn_deg)
    nominal = Look()
    light = turned_light(nominal.light, float(turn_rad))
    return replace(nominal, light=light, exposure=nominal.exposure * scenario.light)


def _check_classes(suite: Suite, usecase: UseCase, path: Path) -> None:
    named = [(label, str(path)) for scenario in suite.scenarios for label in scenario.classes or ()]
    for label, where in [*named, *((label, usecase.name) for label in usecase.classes)]:
        if label not in KINDS:
            raise BadInput(
                where=f"{where}: classes",
                got=f"'{label}', which the simulator has no shape for",
                wanted=f"some of {', '.join(KINDS)}",
                next_step="name other classes, or leave prove.suite out",
            )
