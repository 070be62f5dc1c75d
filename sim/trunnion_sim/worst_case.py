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
    """A scenario, what became of its episodes, and how far it is from the nominal cell (0 to 1)."""

    number: int
    scenario: Scenario
    episodes: tuple[EpisodeResult, ...]
    severity: float

    @property
    def successes(self) -> int:
        """Episodes that succeeded."""
        return sum(episode.success for episode in self.episodes)

    @property
    def score(self) -> float:
        """Less is worse: the success rate first, and of equal ones the mildest conditions."""
        return (self.successes + self.severity / 2) / len(self.episodes)

    @property
    def summary(self) -> str:
        """In a few words."""
        return f"{self.successes} of {len(self.episodes)} in trial {self.number}"

    @property
    def said(self) -> dict[str, Any]:
        """The conditions that are not as in the nominal cell."""
        plain = self.scenario.model_dump(mode="json", include=set(type(NOMINAL_CELL).model_fields))
        nominal = NOMINAL_CELL.model_dump(mode="json")
        return {name: value for name, value in plain.items() if value != nominal[name]}


def suite_text(trial: Trial, space: StressSpace, model: ModelManifest) -> str:
    """The trial as a suite of one scenario, with how it was found in comments."""
    scenario, rate = trial.scenario, wilson(trial.successes, len(trial.episodes))
    head = {"name": scenario.name, "episodes": scenario.episodes, "first_seed": scenario.first_seed}
    suite = {
        "schema": 1,
        "name": scenario.name,
        "version": "1.0.0",
        "scenarios": [{**head, **trial.said}],
    }
    failed = [
        f"#   {seed}: {' '.join(episode.reason.split())}"
        for seed, episode in zip(scenario.seeds, trial.episodes, strict=True)
        if not episode.success
    ]
    lines = [
        f"# Found by a search of {space.trials} trials in {space.name} {space.version}, seed {space.seed}:"
        f" trial {trial.number}.",
        f"# Model {model.name} {model.version}, {model.digest()}.",
        f"# Success {trial.successes} of {len(trial.episodes)}, 95 %: {rate.lower:.3f} to {rate.upper:.3f};"
        f" severity {trial.severity:.2f}. Failed seeds:",
        *failed,
        "# The search chose the worst of many small samples, which flatters no model: play it with more episodes and",
        "# other seeds before you put a success_lower_min to it.",
    ]
    return "\n".join(lines) + "\n" + yaml.safe_dump(suite, sort_keys=False, default_flow_style=None)
