"""Demonstrations of the expert: whole episodes given to worker processes, kept one file each, so that a kill costs one.

What is executed is the expert's action with noise, and what is learnt is the expert's action without (DART, Laskey et
al., 2017): the policy sees states beside the expert's own path, and what the expert would do there.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import gymnasium
import numpy as np

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_file
from trunnion_contract.manifest import Entry
from trunnion_contract.progress import Progress
from trunnion_training.policy.environment import Array, demonstrable, is_success, open_environment, ranges

# Far from the seeds that proofs count from, so that proofs play unseen episodes.
_FIRST_SEED = 1_000_000_000
_SEEDS_PER_RUN = 10_000_000
_NOISE_SHARE_MAX = 0.3
_VELOCITY_UNITS = ("m/s", "rad/s")
_EPISODES_PER_TASK = 4
_SUCCESS_MIN = 0.5
WORKERS = 2


@dataclass(frozen=True)
class Episode:
    """A demonstrated episode: float32 [T, observation], and the expert's answers float32 [T, action]."""

    observations: Array
    actions: Array


@dataclass(frozen=True)
class Demonstrations:
    """The successful episodes, in the order of their seeds, and how many were played."""

    episodes: tuple[Episode, ...]
    played: int


def demonstrate(
    env_id: str, package: str, episodes: int, seed: int, out_dir: Path, progress: Progress
) -> Demonstrations:
    """Let the expert play `episodes` episodes; those that `out_dir` holds already are not played again.

    Episodes in which the noise made the expert fail are counted, and not learnt from.

    Raises:
        BadInput: the environment does not fit, or its expert fails more often than not.
    """
    env = open_environment(env_id, package)
    observation_size = env.observation_space.shape[0]  # type: ignore[index]  # open_environment has checked it
    env.close()
    out_dir.mkdir(parents=True, exist_ok=True)
    todo = [index for index in range(episodes) if not any(_files(out_dir, index))]
    progress.start("demonstrating", episodes)
    progress.advance(episodes - len(todo))
    _play_all(env_id, package, todo, seed, out_dir, progress)
    progress.done()
    succeeded = [file for index in range(episodes) if (file := _files(out_dir, index)[0])]
    if len(succeeded) < episodes * _SUCCESS_MIN:
        raise BadInput(
            where=f"models.policy.env {env_id}",
            got=f"an expert that succeeded in {len(succeeded)} of {episodes} demonstrations",
            wanted="one worth imitating",
            next_step="correct the environment's expert_action",
        )
    loaded = (np.load(file, allow_pickle=False) for file in succeeded)
    parts = ((rows[:, :observation_size], rows[:, observation_size:]) for rows in loaded)
    return Demonstrations(tuple(Episode(*part) for part in parts), episodes)


def _play_all(
    env_id: str, package: str, todo: Sequence[int], seed: int, out_dir: Path, progress: Progress
) -> None:
    tasks = [todo[start : start + _EPISODES_PER_TASK] for start in range(0, len(todo), _EPISODES_PER_TASK)]
    if not tasks:
        return
    # A fresh interpreter, because a forked simulator or torch inherits locks that nobody will release.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(WORKERS, len(tasks)), mp_context=context, initializer=_start_worker)
    try:
        futures = [pool.submit(_play, env_id, package, task, seed, out_dir) for task in tasks]
        for future in as_completed(futures):
            progress.advance(future.result())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    # The parent hears Ctrl-C for all of them, and ends the pool.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"


def _play(env_id: str, package: str, indices: Sequence[int], seed: int, out_dir: Path) -> int:
    env = _environment(env_id, package)
    for index in indices:
        episode, succeeded = play(env, _FIRST_SEED + seed * _SEEDS_PER_RUN + index)
        with (
            whole_file(_names(out_dir, index)[0 if succeeded else 1]) as temporary,
            temporary.open("wb") as file,
        ):
            np.save(file, np.hstack([episode.observations, episode.actions]), allow_pickle=False)
    return len(indices)


@cache
def _environment(env_id: str, package: str) -> gymnasium.Env[Array, Array]:
    return open_environment(env_id, package)


def play(env: gymnasium.Env[Array, Array], seed: int) -> tuple[Episode, bool]:
    """One episode of the expert with noise in what is executed; gives it, and whether it succeeded."""
    expert, rng = demonstrable(env), np.random.default_rng(seed)
    low, high = ranges(expert.action_entries)
    noise = _noise_spread(expert.action_entries) * rng.uniform(0, 1)
    observation, _ = env.reset(seed=seed)
    observations, actions, info, over = [], [], {}, False
    while not over:
        action = np.asarray(expert.expert_action(observation), np.float32)
        observations.append(np.array(observation, np.float32))
        actions.append(action)
        executed = np.clip(action + rng.normal(size=action.shape) * noise, low, high).astype(np.float32)
        observation, _, terminated, truncated, info = env.step(executed)
        over = terminated or truncated
    return Episode(np.stack(observations), np.stack(actions)), is_success(info)


def _noise_spread(entries: tuple[Entry, ...]) -> Array:
    """The largest noise per number: a share of a velocity's range, and none on anything else (a gripper's opening)."""
    shares = [_NOISE_SHARE_MAX * (e.high - e.low) / 2 if e.unit in _VELOCITY_UNITS else 0.0 for e in entries]
    return np.repeat(np.array(shares, np.float32), [entry.size for entry in entries])


def _names(folder: Path, index: int) -> tuple[Path, Path]:
    """The file of an episode that succeeded, and of one that failed."""
    return folder / f"{index:06d}-success.npy", folder / f"{index:06d}-failure.npy"


def _files(folder: Path, index: int) -> tuple[Path | None, Path | None]:
    success, failure = _names(folder, index)
    return success if success.exists() else None, failure if failure.exists() else None
