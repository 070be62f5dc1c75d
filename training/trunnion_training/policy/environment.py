"""What a Gymnasium environment must offer so that a policy can be cloned from its expert."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry
from trunnion_contract.usecase import UseCase

Array = NDArray[np.float32]
_GROUP = "gymnasium.envs"


class Demonstrable(Protocol):
    """The environment itself, under its wrappers: it names its entries, and has an expert without memory."""

    observation_entries: tuple[Entry, ...]
    action_entries: tuple[Entry, ...]
    rate_hz: float

    def expert_action(self, observation: Array) -> Array:
        """What the expert does here: float32 [action]; also in states that it would not have reached itself."""


@dataclass(frozen=True)
class Task:
    """A registered environment, the package that registers it, and the cell it is played in where it knows of cells."""

    env_id: str
    package: str
    cell: CellLayout | None = None


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
    return Task(settings.env, settings.env_package, usecase.cell)


def open_environment(task: Task) -> gymnasium.Env[Array, Array]:
    """Make a registered environment with vectors in and out, whose package registers it.

    Raises:
        BadInput: the package or the id is unknown, or the environment lacks what cloning needs.
    """
    _register(task.package)
    try:
        env = gymnasium.make(task.env_id, **_cell_arguments(task))
    except gymnasium.error.Error as error:
        raise _refused(
            task.env_id, str(error).splitlines()[0], "a registered Gymnasium environment"
        ) from None
    _check(env, task.env_id)
    return env


def _cell_arguments(task: Task) -> dict[str, Any]:
    """The use case's cell, for environments that take one as `layout`."""
    entry_point = gymnasium.spec(task.env_id).entry_point
    create = (
        gymnasium.envs.registration.load_env_creator(entry_point)
        if isinstance(entry_point, str)
        else entry_point
    )
    takes_a_cell = create is not None and "layout" in inspect.signature(create).parameters
    return {"layout": task.cell} if takes_a_cell and task.cell else {}


def _check(env: gymnasium.Env[Array, Array], env_id: str) -> None:
    for name, space in (("observation", env.observation_space), ("action", env.action_space)):
        if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
            raise _refused(
                env_id, f"{name} space {space}", "a Box with one axis (wrap it in FlattenObservation)"
            )
    missing = [
        name for name in (*Demonstrable.__annotations__, "expert_action") if not hasattr(env.unwrapped, name)
    ]
    if missing:
        raise _refused(
            env_id, f"an environment without {', '.join(missing)}", "these attributes on the environment"
        )


def demonstrable(env: gymnasium.Env[Array, Array]) -> Demonstrable:
    """The environment under its wrappers."""
    return cast(Demonstrable, env.unwrapped)


def ranges(entries: tuple[Entry, ...]) -> tuple[Array, Array]:
    """The lowest and highest values of a vector made of `entries`."""
    low = np.concatenate([np.full(entry.size, entry.low, np.float32) for entry in entries])
    high = np.concatenate([np.full(entry.size, entry.high, np.float32) for entry in entries])
    return low, high


def is_success(info: dict[str, Any]) -> bool:
    """Whether the episode's task is done, by the key that Gymnasium's robotics environments share."""
    return bool(info.get("is_success", False))


def _register(package: str) -> None:
    # Gymnasium 1.x no longer reads this entry point group by itself.
    for entry in entry_points(group=_GROUP):
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


def _refused(env_id: str, got: str, wanted: str) -> BadInput:
    return BadInput(
        where=f"models.policy.env {env_id}",
        got=got,
        wanted=wanted,
        next_step="correct the id or the environment",
    )
