"""DAgger (Ross et al., 2011): the policy leads, the expert says what it should have done, and all is learnt again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from trunnion_contract.files import digest_json, write_json
from trunnion_contract.manifest import PolicySpec
from trunnion_contract.policy_training import Dagger, PolicyTraining
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_edge.goal_observation import as_vector
from trunnion_training.curves import draw_curves
from trunnion_training.policy.clone import (
    CURVES,
    METRICS,
    demonstrations_of,
    finished,
    spec_of,
    work_dir,
    write_held_out,
)
from trunnion_training.policy.demonstrations import Episode, read_episode, write_episode
from trunnion_training.policy.description import expert_of
from trunnion_training.policy.environment import task_of
from trunnion_training.policy.exportable import one_thread, save_policy
from trunnion_training.policy.fitting import Samples, divided, fit, new_network
from trunnion_training.policy.network import PolicyNetwork
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import Assessment, assess

# Far from the seeds of proofs, of what is held out, of demonstrations and of reinforcement.
_FIRST_SEED = 3_000_000_000
_SEEDS_PER_RUN, _SEEDS_PER_ROUND = 1_000_003, 1_009


@dataclass(frozen=True)
class _Course:
    """What the rounds need of the use case."""

    usecase: UseCase
    settings: PolicyTraining
    spec: PolicySpec
    dagger: Dagger
    folder: Path
    progress: Progress


def dagger(usecase: UseCase, out_dir: Path, progress: Progress) -> Path:
    """Clone, then let the policy act and the expert label, round by round; gives the best policy's path.

    It ends early when the policy passes the gates of the proof on held-out seeds. Stopped at any moment, the same call
    plays only the rounds that are missing.

    Raises:
        BadInput: there is no policy to learn, the environment does not fit, or it has no expert.
    """
    task, settings = task_of(usecase), usecase.models.policy
    assert settings is not None, "a task comes with settings"
    training, validation = divided(demonstrations_of(usecase, out_dir, progress))
    rounds = settings.dagger or Dagger()
    # What a round plays depends on the policy before it, and so on every setting.
    settled = digest_json([settings.model_dump(mode="json"), usecase.prove.gates.model_dump(mode="json")])
    folder = work_dir(usecase, out_dir) / f"dagger-{settled[:16]}"
    folder.mkdir(exist_ok=True)
    course = _Course(usecase, settings, spec_of(task), rounds, folder, progress)
    with one_thread(), Players(task) as players:
        networks, assessments, samples = _rounds(course, players, training, validation)
    best = max(range(len(networks)), key=lambda number: assessments[number].order)
    save_policy(networks[best], out_dir)
    write_held_out(validation.observations.numpy(), out_dir)
    rates = [one.plain() for one in assessments]
    metrics: dict[str, Any] = {
        "env": settings.env,
        "method": "dagger",
        "best": {"round": best, **rates[best]},
    }
    write_json(out_dir / METRICS, metrics | {"history": rates, "samples": samples})
    panel = {"rate": [one.rate for one in assessments], "lower bound": [one.lower for one in assessments]}
    draw_curves({"success": panel}, out_dir / CURVES, ("round", range(len(assessments))))
    return finished(out_dir)


def _rounds(
    course: _Course, players: Players, training: Samples, validation: Samples
) -> tuple[list[PolicyNetwork], list[Assessment], list[int]]:
    """The policy of each round with its assessment and the number of samples it learnt from; round 0 is the clone."""
    networks, assessments, samples = [], [], []
    for number in range(course.dagger.rounds + 1):
        if number:
            training = training.and_more(_played(course, players, networks[-1], number))
        network = new_network(course.settings, course.spec, training)
        fit(network, training, validation, course.settings, course.progress)
        networks.append(network)
        samples.append(len(training.observations))
        assessments.append(_assessed(course, players, network))
        if assessments[-1].passes(course.usecase.prove.gates):
            break
    return networks, assessments, samples


def _assessed(course: _Course, players: Players, network: PolicyNetwork) -> Assessment:
    return assess(players, network, course.dagger.evaluation_episodes, course.usecase.prove.gates)


def _played(course: _Course, players: Players, network: PolicyNetwork, number: int) -> list[Episode]:
    """The labelled episodes of a round; those that are kept are not played again."""
    files = {
        course.folder / f"{number:04d}-{index:06d}.npz": _seed(course.settings.seed, number, index)
        for index in range(course.dagger.episodes)
    }
    missing = [(seed, file) for file, seed in files.items() if not file.exists()]
    course.progress.start(f"round {number}: the expert looks on", len(files))
    course.progress.advance(len(files) - len(missing))
    for _ in players.each(_keep_labelled, (network, course.dagger.expert_share**number), missing):
        course.progress.advance()
    course.progress.done()
    sizes = [sum(e.size for e in entries) for entries in (course.spec.observation, course.spec.action)]
    return [read_episode(file, *sizes) for file in files]


def _seed(seed: int, number: int, index: int) -> int:
    """That of an episode of a round."""
    return _FIRST_SEED + (seed * _SEEDS_PER_RUN + number * _SEEDS_PER_ROUND + index) % 1_000_000_000


def _keep_labelled(
    env: gymnasium.Env[Any, Any], leading: tuple[PolicyNetwork, float], episode: tuple[int, Path]
) -> None:
    (network, expert_share), (seed, file) = leading, episode
    write_episode(file, labelled(env, network, expert_share, seed))


def labelled(env: gymnasium.Env[Any, Any], network: PolicyNetwork, expert_share: float, seed: int) -> Episode:
    """One episode in which the expert acts in `expert_share` of the steps, and says in all of them what it would do."""
    expert, rng = expert_of(env), np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    observations, actions, over = [], [], False
    while not over:
        observations.append(np.array(as_vector(observation)))
        actions.append(np.asarray(expert.expert_action(observation), np.float32))
        expert_acts = rng.random() < expert_share
        action = actions[-1] if expert_acts else network.act(observations[-1][None])[0]
        observation, _, terminated, truncated, _ = env.step(action)
        over = terminated or truncated
    return Episode(np.stack(observations), np.stack(actions))
