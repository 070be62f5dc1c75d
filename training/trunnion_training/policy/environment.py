"""Any registered Gymnasium environment whose observations and actions are vectors, or goals and a vector."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Space
from numpy.typing import NDArray

from trunnion_contract.cell import CellLayout
from trunnion_contract.environment_options import creation_arguments
from trunnion_contract.errors import BadInput, TrunnionError
from trunnion_contract.policy_training import ENVIRONMENTS
from trunnion_contract.usecase import UseCase
from trunnion_edge.goal_observation import PARTS, as_vector, image_names
from trunnion_training.policy.description import is_goal_space, unfit


@dataclass(frozen=True)
class Task:
    """A registered environment, the package that registers it, the cell it is played in where it knows of cells,
    and the options that it is made with."""

    env_id: str
    package: str | None = None
    cell: CellLayout | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> list[Any]:
        """Everything that tells it from other tasks, for digests."""
        cell = self.cell.model_dump(mode="json") if self.cell else None
        return [self.env_id, self.package, cell, dict(self.options)]


def task_of(usecase: UseCase) -> Task:
    """The task of a use case's policy.

    Raises:
        BadInput: the use case has no policy.
    """
    settings = usecase.models.policy
    if settings is None:
        raise BadInput(
            where=f"{usecase.name}: models", got="no policy", wanted="one", next_step="add models.policy"
        )
    return Task(settings.env, settings.registering_package(), usecase.cell, settings.env_options)


class FiniteSteps(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The environment itself, whose observations and rewards are refused as soon as one of them is not finite.

    A network learns nothing from NaN any more, and says so only much later.
    """

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Begin an episode."""
        self._steps, self._seed = 0, seed
        observation, info = self.env.reset(seed=seed, options=options)
        self._check("an observation", as_vector(observation))
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Go on."""
        self._steps += 1
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._check("an observation", as_vector(observation))
        self._check("a reward", np.array(reward, float))
        return observation, reward, terminated, truncated, info

    def _check(self, what: str, values: NDArray[Any]) -> None:
        if not np.isfinite(values).all():
            episode = "an episode" if self._seed is None else f"the episode of seed {self._seed}"
            raise unfit(
                self.env,
                f"{what} that is not finite, at step {self._steps} of {episode}: {values.tolist()}",
                "finite numbers",
                "find out what made them in the environment: nothing can be learnt from them",
            )


def open_environment(task: Task) -> gymnasium.Env[Any, Any]:
    """Make a registered environment, whose package registers it.

    Raises:
        BadInput: the package, the id or an option is unknown, or a policy does not fit the environment's spaces.
    """
    _register(task.package)
    try:
        entry_point = gymnasium.spec(task.env_id).entry_point
        arguments = creation_arguments(entry_point, task.env_id, task.options, task.cell)
        env = _made(task, arguments)
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
        raise unfit(
            task.env_id,
            str(error).splitlines()[0],
            "a registered Gymnasium environment",
            "correct the id, or name in env_package the package that calls gymnasium.register for it",
        ) from None
    _check(env, task.env_id)
    return FiniteSteps(env)


def _made(task: Task, arguments: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    try:
        return gymnasium.make(task.env_id, **arguments)
    except (gymnasium.error.Error, TrunnionError):
        raise
    except Exception as error:  # whatever a foreign environment raises
        if not task.options:
            raise
        raise BadInput(
            where=f"models.policy.env_options of {task.env_id}",
            got=f"{dict(task.options)}, with which it cannot be made ({error})",
            wanted="values that the environment takes",
            next_step="correct the options",
        ) from None


def _check(env: gymnasium.Env[Any, Any], env_id: str) -> None:
    goal = env.observation_space
    parts: list[tuple[str, Space[Any]]] = [("observation", goal), ("action", env.action_space)]
    if isinstance(goal, Dict) and (is_goal_space(goal) or sees(env)):
        images = image_names(goal.spaces)
        parts[:1] = [(f"observation['{name}']", goal[name]) for name in goal.spaces if name not in images]
        _check_image(env_id, goal, images)
    for name, space in parts:
        if not isinstance(space, Box) or len(space.shape) != 1:
            raise unfit(
                env_id,
                f"{name} space {space}",
                "a Box with one axis, or for observations a Dict of observation, achieved_goal and desired_goal",
                "choose an environment of vectors, or register it wrapped in FlattenObservation",
            )
    if not (np.isfinite(env.action_space.low).all() and np.isfinite(env.action_space.high).all()):  # type: ignore[attr-defined]
        raise unfit(env_id, f"action space {env.action_space}", "bounds that are finite")


def sees(env: gymnasium.Env[Any, Any]) -> bool:
    """Whether there is an image beside the vector of what is observed."""
    space = env.observation_space
    return isinstance(space, Dict) and PARTS[0] in space.spaces and bool(image_names(space.spaces))


def _check_image(env_id: str, space: Dict, images: list[str]) -> None:
    shapes = [space[name].shape for name in images]
    if len(shapes) > 1 or any(shape is None or shape[2] != 3 for shape in shapes):
        raise unfit(
            env_id, f"images {', '.join(f'{name} {list(space[name].shape or ())}' for name in images)}",
            "one image, uint8 [h, w, 3]", "choose one camera in the environment, or wrap it",
        )  # fmt: skip


def is_success(info: dict[str, Any]) -> bool:
    """Whether the episode's task is done, by the key that Gymnasium's robotics environments share."""
    return bool(info.get("is_success", False))


def _register(package: str | None) -> None:
    if package is None:
        return
    # Gymnasium 1.x no longer reads this entry point group by itself.
    for entry in entry_points(group=ENVIRONMENTS):
        if entry.module.partition(".")[0] == package:
            entry.load()()
            return
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise BadInput(
            where="models.policy.env_package",
            got=f"{package}, which cannot be imported ({error})",
            wanted="an installed package that registers the environment",
            next_step="install it, or correct its name",
        ) from None
