"""Demonstrations of the expert: whole episodes given to worker processes, kept one file each, so that a kill costs one.

What is learnt is always the expert's own action. What is executed is that action with a little noise (DART, Laskey et
al., 2017), and now and then one entry of it, a velocity or the gripper, is set to something else for a moment: so the
policy sees what lies beside the expert's own path, and what the expert does there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import gymnasium
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_contract.files import whole_file
from trunnion_contract.manifest import Entry
from trunnion_contract.progress import Progress
from trunnion_contract.workers import available_cores, worker_pool
from trunnion_edge.goal_observation import as_vector, image_of
from trunnion_training.policy.description import described, expert_of, ranges
from trunnion_training.policy.environment import Task, is_success, open_environment

Array = NDArray[np.float32]

# Far from the seeds that proofs count from, so that proofs play unseen episodes.
_FIRST_SEED = 1_000_000_000
_SEEDS_PER_RUN = 10_000_000
# In shares of half an action's range: the largest noise an episode can have, and how far a disturbance goes.
_NOISE_SHARE_MAX = 0.08
_DISTURBANCE_SHARE = 0.8
_DISTURBANCE_CHANCE = 0.05
_DISTURBANCE_STEPS = (2, 8)
_EPISODES_PER_JOB = 10
_SUCCESS_MIN = 0.5


def demonstration_seed(seed: int, index: int) -> int:
    """The seed of an episode, for each seed of a training others."""
    return _FIRST_SEED + seed * _SEEDS_PER_RUN + index


@dataclass(frozen=True)
class Episode:
    """A demonstrated episode: float32 [T, observation], and the expert's answers float32 [T, action].

    `images` is uint8 [T, h, w, 3], RGB, where there was something to see.
    """

    observations: Array
    actions: Array
    images: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Demonstrations:
    """The successful episodes, in the order of their seeds, and how many were played."""

    episodes: tuple[Episode, ...]
    played: int


def demonstrate(
    task: Task, episodes: int, seed: int, out_dir: Path, progress: Progress, disturbance: float = 1.0
) -> Demonstrations:
    """Let the expert play `episodes` episodes; those that `out_dir` holds already are not played again.

    Episodes in which the noise made the expert fail are counted, and not learnt from. `disturbance`, 0 to 1, is how
    much of the noise there is: with 0, what is executed is what the expert answers.

    Raises:
        BadInput: the environment does not fit, or its expert fails more often than not.
    """
    env = open_environment(task)
    expert_of(env)
    sizes = [
        sum(e.size for e in entries)
        for entries in (described(env).observation_entries, described(env).action_entries)
    ]
    env.close()
    out_dir.mkdir(parents=True, exist_ok=True)
    todo = [index for index in range(episodes) if not any(_files(out_dir, index))]
    progress.start("demonstrating", episodes)
    progress.advance(episodes - len(todo))
    _play_all(_Job(task, seed, disturbance, out_dir), todo, progress)
    progress.done()
    succeeded = [file for index in range(episodes) if (file := _files(out_dir, index)[0])]
    if len(succeeded) < episodes * _SUCCESS_MIN:
        raise BadInput(
            where=f"models.policy.env {task.env_id}",
            got=f"an expert that succeeded in {len(succeeded)} of {episodes} demonstrations",
            wanted="one worth imitating",
            next_step="correct the environment's expert_action",
        )
    return Demonstrations(tuple(read_episode(file, *sizes) for file in succeeded), episodes)


def read_episode(file: Path, observation_size: int, action_size: int) -> Episode:
    """An episode that was kept.

    Raises:
        BadInput: the file is damaged, or its episode is of another environment's sizes or holds what is not finite.
    """
    wanted = f"float32 [steps, {observation_size} + {action_size}], finite"
    try:
        with np.load(file, allow_pickle=False) as content:
            rows, images = content["rows"], content.get("images")
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        got = f"a file that does not load ({type(error).__name__})"
    else:
        if rows.ndim == 2 and rows.shape[1] == observation_size + action_size and np.isfinite(rows).all():
            return Episode(rows[:, :observation_size], rows[:, observation_size:], images)
        got = f"{rows.dtype} {list(rows.shape)}" + ("" if np.isfinite(rows).all() else ", not all finite")
    raise BadInput(
        where=f"demonstration {file}", got=got, wanted=wanted, next_step="delete the file, and train again"
    )


def write_episode(file: Path, episode: Episode) -> None:
    """Keep an episode for `read_episode`: arrays by name, no code."""
    arrays: dict[str, NDArray[Any]] = {"rows": np.hstack([episode.observations, episode.actions])}
    if episode.images is not None:
        arrays["images"] = episode.images
    with whole_file(file) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


@dataclass(frozen=True)
class _Job:
    """What all episodes of a set share; workers are given it."""

    task: Task
    seed: int
    disturbance: float
    out_dir: Path


def _play_all(job: _Job, todo: Sequence[int], progress: Progress) -> None:
    parts = [todo[start : start + _EPISODES_PER_JOB] for start in range(0, len(todo), _EPISODES_PER_JOB)]
    # One is over before a worker has started.
    count = min(available_cores(), len(parts)) if len(parts) > 1 else 1
    if count < 2:
        for part in parts:
            progress.advance(_play(job, part))
        return
    with worker_pool(count, os.putenv, "OMP_NUM_THREADS", "1") as pool:
        futures = [pool.submit(_play, job, part) for part in parts]
        for future in as_completed(futures):
            progress.advance(future.result())


def _play(job: _Job, indices: Sequence[int]) -> int:
    env = open_environment(job.task)
    for index in indices:
        episode, succeeded = play(env, demonstration_seed(job.seed, index), job.disturbance)
        write_episode(_names(job.out_dir, index)[0 if succeeded else 1], episode)
    env.close()
    return len(indices)


def play(env: gymnasium.Env[Any, Any], seed: int, disturbance: float = 1.0) -> tuple[Episode, bool]:
    """One episode of the expert with disturbances in what is executed; gives it, and whether it succeeded."""
    expert, disturbances = expert_of(env), Disturbances(described(env).action_entries, seed, disturbance)
    observation, info = env.reset(seed=seed)
    observations, actions, images, over = [], [], [], False
    while not over:
        action = np.asarray(expert.expert_action(observation), np.float32)
        observations.append(np.array(as_vector(observation)))
        if (image := image_of(observation)) is not None:
            images.append(image.copy())
        actions.append(action)
        observation, _, terminated, truncated, info = env.step(disturbances.applied_to(action))
        over = terminated or truncated
    seen = np.stack(images) if images else None
    return Episode(np.stack(observations), np.stack(actions), seen), is_success(info)


class Disturbances:
    """Noise of this episode's strength, and one entry at a time pushed aside for a few steps; `share` of both."""

    def __init__(self, entries: tuple[Entry, ...], seed: int, share: float = 1.0) -> None:
        self._share, self._rng = share, np.random.default_rng(seed)
        self._low, self._high = ranges(entries)
        self._half = (self._high - self._low) / 2
        self._noise = share * _NOISE_SHARE_MAX * self._rng.uniform() * self._half
        ends = np.cumsum([entry.size for entry in entries])
        self._columns = [slice(end - entry.size, end) for entry, end in zip(entries, ends, strict=True)]
        self._push, self._steps_left = np.zeros_like(self._half), 0

    def applied_to(self, action: Array) -> Array:
        """What is executed instead of `action`."""
        if self._steps_left == 0 and self._rng.random() < _DISTURBANCE_CHANCE:
            self._begin()
        push = self._push if self._steps_left else 0.0
        self._steps_left = max(0, self._steps_left - 1)
        noisy = action + push + self._rng.normal(size=action.shape) * self._noise
        return np.clip(noisy, self._low, self._high).astype(np.float32)

    def _begin(self) -> None:
        self._steps_left = int(self._rng.integers(*_DISTURBANCE_STEPS))
        self._push = np.zeros_like(self._half)
        columns = self._columns[self._rng.integers(len(self._columns))]
        reach = self._share * _DISTURBANCE_SHARE * self._half[columns]
        self._push[columns] = self._rng.uniform(-reach, reach)


def _names(folder: Path, index: int) -> tuple[Path, Path]:
    """The file of an episode that succeeded, and of one that failed."""
    return folder / f"{index:06d}-success.npz", folder / f"{index:06d}-failure.npz"


def _files(folder: Path, index: int) -> tuple[Path | None, Path | None]:
    success, failure = _names(folder, index)
    return success if success.exists() else None, failure if failure.exists() else None
