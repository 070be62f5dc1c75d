"""From the results of single episodes to what the proof says of a row."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from trunnion_contract.proof import Failure, ScenarioResult, Sequential, wilson
from trunnion_sim.episode import EpisodeResult
from trunnion_sim.examiner import Job
from trunnion_sim.plan import Play, film_of
from trunnion_sim.sequential import ALPHA, BETA, StoppingRule

Results = Mapping[str, Any]


def tally(play: Play, results: Results) -> ScenarioResult:
    """Put the episodes that count together."""
    jobs = play.counted(results)
    episodes = [EpisodeResult.model_validate(results[job.key]) for job in jobs]
    succeeded = [episode for episode in episodes if episode.success]
    trajectories = "".join(episode.trajectory_sha256 for episode in episodes)
    collisions = [episode.collisions for episode in episodes if episode.collisions is not None]
    violations = [episode.limit_violations for episode in episodes if episode.limit_violations is not None]
    return ScenarioResult(
        name=play.name,
        success=wilson(len(succeeded), len(episodes)),
        success_lower_min=play.success_lower_min,
        limit_violations=sum(violations) if violations else None,
        interventions=sum(episode.interventions for episode in episodes),
        median_time_s=_median([episode.time_s for episode in succeeded]),
        median_path_m=_median([episode.path_m for episode in succeeded if episode.path_m is not None]),
        collisions=sum(collisions) if collisions else None,
        median_collisions=_median(collisions),
        trajectory_sha256=hashlib.sha256(trajectories.encode()).hexdigest(),
        failures=tuple(
            _failure(job, episode, results)
            for job, episode in zip(jobs, episodes, strict=True)
            if not episode.success
        ),
        sequential=_sequential(play.rule) if play.rule else None,
    )


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 3) if values else None


def _failure(job: Job, episode: EpisodeResult, results: Results) -> Failure:
    film = results.get(film_of(job).key)
    if film is None:
        return Failure(seed=job.seed, reason=episode.reason)
    if film["trajectory_sha256"] != episode.trajectory_sha256:
        another = "played again from its seed, the environment took another course, and the log is of that"
        return Failure(seed=job.seed, reason=episode.reason, log=film["log"], unfilmed=another)
    return Failure(
        seed=job.seed, reason=episode.reason, picture=film["file"], log=film["log"], unfilmed=film["unfilmed"]
    )


def _sequential(rule: StoppingRule) -> Sequential:
    return Sequential(planned=rule.planned, rate_h1=rule.rate_h1, alpha=ALPHA, beta=BETA)
