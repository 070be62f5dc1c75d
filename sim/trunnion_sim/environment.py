"""The environment that a policy is proven in: the one it learnt in, in the use case's cell where it takes one."""

from __future__ import annotations

import importlib
from typing import Any

import gymnasium

from trunnion_contract.cell import CellLayout
from trunnion_contract.environment_options import creation_arguments, takes_a_cell
from trunnion_contract.errors import BadInput
from trunnion_contract.policy_training import PolicyTraining

Environment = gymnasium.Env[Any, Any]


def open_environment(training: PolicyTraining, cell: CellLayout | None, **settings: Any) -> Environment:
    """Make the environment, whose package registers it.

    Raises:
        BadInput: its package cannot be imported, no environment is registered under that id, or it takes other options.
    """
    try:
        if package := training.registering_package():
            importlib.import_module(package)
        entry_point = gymnasium.spec(training.env).entry_point
        arguments = creation_arguments(entry_point, training.env, training.env_options, cell)
        return gymnasium.make(training.env, **arguments, **settings)
    except (gymnasium.error.UnregisteredEnv, ImportError) as error:
        raise BadInput(
            where=f"models.policy.env {training.env}",
            got=str(error).splitlines()[0],
            wanted="a registered Gymnasium environment",
            next_step="correct the id, or name in env_package the package that calls gymnasium.register for it",
        ) from None


def plays_in_a_cell(training: PolicyTraining, cell: CellLayout | None) -> bool:
    """Whether an opened environment is that cell, whose limits bind the arm in it; others know of no limits."""
    return cell is not None and takes_a_cell(gymnasium.spec(training.env).entry_point)
