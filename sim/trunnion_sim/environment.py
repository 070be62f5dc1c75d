"""The environment that a policy is proven in: the one it learnt in, in the use case's cell where it takes one."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import gymnasium
from gymnasium.envs.registration import load_env_creator

from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput
from trunnion_contract.policy_training import PolicyTraining

Environment = gymnasium.Env[Any, Any]


def open_environment(training: PolicyTraining, cell: CellLayout | None, **settings: Any) -> Environment:
    """Make the environment, whose package registers it.

    Raises:
        BadInput: its package cannot be imported, or no environment is registered under that id.
    """
    try:
        if package := training.registering_package():
            importlib.import_module(package)
        layout = {"layout": cell} if cell and _takes_a_cell(training.env) else {}
        return gymnasium.make(training.env, **layout, **settings)
    except (gymnasium.error.UnregisteredEnv, ImportError) as error:
        raise BadInput(
            where=f"models.policy.env {training.env}",
            got=str(error).splitlines()[0],
            wanted="a registered Gymnasium environment",
            next_step="correct the id, or name in env_package the package that calls gymnasium.register for it",
        ) from None


def plays_in_a_cell(training: PolicyTraining, cell: CellLayout | None) -> bool:
    """Whether an opened environment is that cell, whose limits bind the arm in it; others know of no limits."""
    return cell is not None and _takes_a_cell(training.env)


def _takes_a_cell(env_id: str) -> bool:
    entry_point = gymnasium.spec(env_id).entry_point
    create = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
    return create is not None and "layout" in inspect.signature(create).parameters
