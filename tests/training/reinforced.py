"""Training in a process of its own, to be killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase
from trunnion_training.policy.methods import train_policy


def usecase_with(policy: dict[str, Any], gates: dict[str, float] | None = None) -> UseCase:
    return UseCase.model_validate(
        {
            "schema": 1, "name": "line", "version": "0.1.0", "problem": "Reach the goal.",
            "models": {"policy": policy}, "prove": {"gates": gates or {}},
        }
    )  # fmt: skip


def train(policy: dict[str, Any], out_dir: str) -> None:
    train_policy(usecase_with(policy), Path(out_dir), Silent())
