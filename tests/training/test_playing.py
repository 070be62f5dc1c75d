"""Policies are assessed as the proof does it, on seeds of their own, and no longer than the verdict needs."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest

from trunnion_contract.manifest import PolicySpec
from trunnion_contract.usecase import Gates
from trunnion_training.policy.description import described, policy_spec
from trunnion_training.policy.environment import Task, open_environment
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import SCREENING, Assessment, assess


class Pilot:
    """Goes to the goal as the expert does, at a share of its speed."""

    def __init__(self, spec: PolicySpec, share: float) -> None:
        self.spec, self._share = spec, share

    def act(self, observation: np.ndarray) -> np.ndarray:
        return self._share * np.clip(observation[:, 2:] - observation[:, :1], -0.5, 0.5)


def assessed(goal_line: str, share: float, gates: Gates) -> Assessment:
    task = Task("tests/GoalLine-v0", goal_line)
    with closing(open_environment(task)) as env:
        pilot: Any = Pilot(policy_spec(described(env)), share)
    with Players(task, workers=1) as players:
        return assess(players, pilot, 100, gates)


def test_a_good_policy_plays_every_episode_and_passes(goal_line: str) -> None:
    gates = Gates(policy_success_min=0.95, policy_success_lower_min=0.95)
    found = assessed(goal_line, 1.0, gates)
    assert (found.successes, found.episodes) == (100, 100)
    assert found.passes(gates)


def test_an_assessment_that_cannot_pass_any_more_ends_early(goal_line: str) -> None:
    gates = Gates(policy_success_min=0.95)
    found = assessed(goal_line, 0.0, gates)
    assert found.episodes == SCREENING
    assert not found.passes(gates)


def test_without_gates_nothing_passes() -> None:
    assert not Assessment(100, 100, 0.0).passes(Gates())


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (Assessment(40, 40, 0.0), Assessment(99, 100, -5.0)),  # more episodes say more
        (Assessment(0, 40, -9.0), Assessment(0, 40, -8.0)),  # without success the rewards decide
    ],
)
def test_the_better_policy_is_the_one_that_more_is_known_to_be_good_of(
    worse: Assessment, better: Assessment
) -> None:
    assert better.order > worse.order
