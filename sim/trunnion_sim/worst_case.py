"""A trial of a search for the worst case, and the suite file that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from trunnion_contract.manifest import ModelManifest
from trunnion_contract.proof import wilson
from trunnion_sim.conditions import NOMINAL_CELL
from trunnion_sim.episode import EpisodeResult
from trunnion_sim.scenarios import Scenario
from trunnion_sim.stress_space import StressSpace


@dataclass(frozen=True)
class Trial:
    """A scenario, what became of its episodes, and how far it is from the nominal cell (0 to 1).

    `confirmed` are episodes with the seeds after those of the search, which had no part in choosing it.
    """

    number: int
    scenario: Scenario
    episodes: tuple[EpisodeResult, ...]
    severity: float
    confirmed: tuple[EpisodeResult, ...] = ()

    @property
    def successes(self) -> int:
        """Episodes that succeeded."""
        return sum(episode.success for episode in self.episodes)

    @property
    def succeeds(self) -> bool:
        """Whether nothing failed in the search."""
        return self.successes == len(self.episodes)

    @property
    def score(self) -> float:
        """Less is worse: the success rate first, and of equal ones the mildest conditions."""
        return (self.successes + self.severity / 2) / len(self.episodes)

    @property
    def summary(self) -> str:
        """In a few words."""
        return f"{self.successes} of {len(self.episodes)} in trial {self.number}"

    @property
    def rate(self) -> str:
        """Successes of the confirmation, with their interval."""
        found = wilson(sum(episode.success for episode in self.confirmed), len(self.confirmed))
        return f"{found.successes} of {found.trials} (95 %: {found.lower:.2f} to {found.upper:.2f})"

    @property
    def failures(self) -> list[tuple[int, str]]:
        """Seed and reason of every episode that failed."""
        episodes = [*self.episodes, *self.confirmed]
        seeds = range(self.scenario.first_seed, self.scenario.first_seed + len(episodes))
        return [(seed, of.reason) for seed, of in zip(seeds, episodes, strict=True) if not of.success]

    def fresh(self, episodes: int) -> Scenario:
        """The scenario with seeds that the search has not seen."""
        return self.scenario.model_copy(update={"first_seed": self.scenario.seeds.stop, "episodes": episodes})

    @property
    def said(self) -> dict[str, Any]:
        """The conditions that are not as in the nominal cell."""
        plain = self.scenario.model_dump(mode="json", include=set(type(NOMINAL_CELL).model_fields))
        nominal = NOMINAL_CELL.model_dump(mode="json")
        return {name: value for name, value in plain.items() if value != nominal[name]}


def suite_text(trial: Trial, space: StressSpace, model: ModelManifest) -> str:
    """The trial as a suite of one scenario, with how it was found in comments."""
    episodes = len(trial.episodes) + len(trial.confirmed)
    head = {
        "name": trial.scenario.name,
        "episodes": episodes,
        "first_seed": trial.scenario.first_seed,
    }
    suite = {
        "schema": 1,
        "name": trial.scenario.name,
        "version": "1.0.0",
        "scenarios": [{**head, **trial.said}],
    }
    lines = [
        f"Found by a search of {space.trials} trials in {space.name} {space.version}, seed {space.seed}.",
        f"Model {model.name} {model.version}, {model.digest()}.",
        f"In the search: {trial.summary}, which makes it look worse than it is.",
        f"With the {len(trial.confirmed)} seeds after those: {trial.rate}.",
        f"Severity {trial.severity:.2f}, from 0 (the nominal cell) to 1 (the far end of every key). Seeds that failed:",
        *(f"  {seed}: {' '.join(reason.split())}" for seed, reason in trial.failures),
    ]
    comments = "".join(f"# {line}\n" for line in lines)
    return comments + yaml.safe_dump(suite, sort_keys=False, default_flow_style=None)
