"""The space in which the worst case is looked for: keys of a scenario, each within bounds that the field may bring."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import Field, model_validator

from trunnion_contract.names import Name
from trunnion_contract.strict import Strict, parse, read_yaml
from trunnion_sim.conditions import NOMINAL_CELL
from trunnion_sim.sampling import Choice, Draws
from trunnion_sim.scenarios import SHIPPED, Scenario

SPACES = SHIPPED / "stress"
# What is played is what is written down, and a person shall be able to read it.
_DIGITS = 4


class StressSpace(Strict):
    """`scenarios/stress/*.yaml`: where to search, and for how long.

    Attributes:
        trials: scenarios that are tried.
        episodes: played in each; every scenario meets the same seeds.
        confirm_episodes: played in the worst one once more, with seeds that the search has not seen.
        first_seed: of these episodes; not those of suites, which are there to be passed.
        seed: of the search itself.
        search: the keys and their bounds.
    """

    schema_version: Literal[1] = Field(alias="schema")
    name: Name = Field(max_length=50)
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    trials: int = Field(ge=1, le=100_000)
    episodes: int = Field(ge=1, le=1000)
    confirm_episodes: int = Field(default=20, ge=1, le=10_000)
    first_seed: int = Field(default=300_000, ge=0)
    seed: int = Field(default=0, ge=0, le=1_000_000)
    search: Draws

    @model_validator(mode="after")
    def _is_not_empty(self) -> StressSpace:
        if not self.search.said():
            raise ValueError("at least one key to search")
        return self

    def distributions(self) -> dict[str, BaseDistribution]:
        """The space as Optuna wants it."""
        return {name: _distribution(sampler) for name, sampler in self.search.said().items()}

    def scenario(self, trial: int, values: dict[str, Any]) -> Scenario:
        """The scenario of a trial."""
        named = {"name": f"{self.name}_{trial:03d}", "episodes": self.episodes, "first_seed": self.first_seed}
        return Scenario.model_validate({**named, **{name: _rounded(value) for name, value in values.items()}})

    def severity(self, scenario: Scenario) -> float:
        """How far the scenario is from the nominal cell, 0 to 1: the mean over the keys of the share of their range."""
        shares = [
            _share(sampler, getattr(scenario, name), getattr(NOMINAL_CELL, name))
            for name, sampler in self.search.said().items()
        ]
        return sum(shares) / len(shares)


def read_space(path: Path) -> StressSpace:
    """Read a space from its YAML file.

    Raises:
        BadInput: names file and key for an unknown key, or bounds that cannot be.
    """
    return parse(StressSpace, read_yaml(path), str(path))


def _distribution(sampler: Choice) -> BaseDistribution:
    bounds = getattr(sampler, "bounds", None)
    if bounds is None:
        return CategoricalDistribution(sampler.choice)
    low, high = bounds
    kind = IntDistribution if isinstance(low, int) else FloatDistribution
    return kind(low, high, log=sampler.log_uniform is not None)


def _rounded(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _share(sampler: Choice, value: Any, nominal: Any) -> float:
    bounds = getattr(sampler, "bounds", None)
    if bounds is None:
        return float(value != nominal)
    scale = math.log if sampler.log_uniform else float
    # Where the nominal value is not within the bounds, the bound that is nearest to it stands for it.
    middle = scale(min(max(nominal, bounds[0]), bounds[1]))
    return abs(scale(value) - middle) / max(abs(scale(end) - middle) for end in bounds)
