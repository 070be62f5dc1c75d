"""What a proof plays: each row of it with its episodes, and which of them count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trunnion_contract.manifest import ModelManifest, Precision
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_sim.examiner import Job
from trunnion_sim.gates import POLICY_ALONE
from trunnion_sim.scenarios import Scenario, Suite
from trunnion_sim.sequential import StoppingRule, stopping_rule

Results = Mapping[str, Any]


@dataclass(frozen=True)
class Play:
    """One row of a proof and its episodes, in the order of their seeds; with a rule they may end early."""

    name: str
    jobs: tuple[Job, ...]
    success_lower_min: float | None
    rule: StoppingRule | None = None

    def end(self, results: Results) -> int | None:
        """How many episodes count, once that is certain: those after them change nothing, even if they were played."""
        successes = []
        for job in self.jobs:
            if job.key not in results:
                break
            successes.append(bool(results[job.key]["success"]))
        early = self.rule.end(successes) if self.rule else None
        return early or (len(self.jobs) if len(successes) == len(self.jobs) else None)

    def counted(self, results: Results) -> tuple[Job, ...]:
        """The episodes that count, when all that is needed was played."""
        return self.jobs[: self.end(results)]


def closed_loop(model: ModelManifest, suite: Suite | None, sequential: bool = False) -> list[Play]:
    """Every scenario with fp32, and the nominal one with every network of less precision that may run on a robot."""
    if suite is None:
        return []
    variants = model.detector.variants if model.detector else ()
    return [
        *(_play(scenario, "fp32", sequential) for scenario in suite.scenarios),
        *(_play(suite.nominal, variant.precision, sequential) for variant in variants),
    ]


def policy_alone(usecase: UseCase) -> Play:
    """The policy in its environment. Its rate is a gate by itself, so all of its episodes are played."""
    first = usecase.prove.seed
    jobs = (Job("policy", POLICY_ALONE, first + number) for number in range(usecase.prove.policy_episodes))
    return Play(POLICY_ALONE, tuple(jobs), usecase.prove.gates.policy_success_lower_min)


def undecided(plays: Sequence[Play], results: Results, progress: Progress) -> Iterator[Job]:
    """The episodes that are still needed, told when each is asked for; those that are not any more count as done."""
    for play in plays:
        for number, job in enumerate(play.jobs):
            if play.rule and play.end(results) is not None:
                progress.advance(sum(other.key not in results for other in play.jobs[number:]))
                break
            if job.key not in results:
                yield job


def film_of(job: Job) -> Job:
    """The job that plays an episode again and films it."""
    return replace(job, kind="film")


def _play(scenario: Scenario, precision: Precision, sequential: bool) -> Play:
    jobs = tuple(Job("episode", scenario.name, seed, precision) for seed in scenario.seeds)
    least = scenario.success_lower_min
    rule = stopping_rule(least, scenario.episodes) if sequential and least is not None else None
    name = scenario.name if precision == "fp32" else f"{scenario.name}, {precision}"
    return Play(name, jobs, least, rule)
