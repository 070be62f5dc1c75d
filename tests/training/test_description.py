"""What an environment says of itself becomes the entries of the policy; what it does not say comes from its spaces."""

from __future__ import annotations

import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_training.policy.description import described, policy_spec
from trunnion_training.policy.environment import Task, open_environment


def test_spaces_alone_become_entries_of_equal_bounds_without_a_unit() -> None:
    description = described(open_environment(Task("Pendulum-v1")))
    assert [(e.name, e.size, e.unit, e.low, e.high) for e in description.observation_entries] == [
        ("observation_0", 2, "1", -1, 1), ("observation_2", 1, "1", -8, 8),
    ]  # fmt: skip
    assert [(e.name, e.low, e.high) for e in description.action_entries] == [("action", -2, 2)]
    assert description.rate_hz == 30


def test_an_environment_that_names_its_entries_keeps_them(point_cell: str) -> None:
    description = described(open_environment(Task("tests/Point-v0", point_cell)))
    assert [entry.name for entry in description.observation_entries] == ["point_m", "target_m"]
    assert policy_spec(description).input.shape == ("N", 4)


def test_bounds_at_infinity_are_taken_from_what_random_episodes_reach(goal_line: str) -> None:
    description = described(open_environment(Task("tests/GoalLine-v0", goal_line)))
    names = [entry.name for entry in description.observation_entries]
    assert names[-1] == "desired_goal"
    assert sum(entry.size for entry in description.observation_entries) == 3
    for entry in description.observation_entries[:-1]:
        assert np.isfinite([entry.low, entry.high]).all()
        assert 1 <= entry.high <= 4


def test_an_environment_without_a_rate_is_told_what_to_add(goal_line: str) -> None:
    with pytest.raises(BadInput, match=r'add the attribute rate_hz, or metadata\["render_fps"\]'):
        described(open_environment(Task("tests/Timeless-v0", goal_line)))


def test_entries_of_another_size_than_the_space_are_refused(
    point_cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = open_environment(Task("tests/Point-v0", point_cell))
    short = described(env).observation_entries[:1]
    monkeypatch.setattr(env.unwrapped, "observation_entries", short, raising=False)
    with pytest.raises(BadInput, match=r"observation_entries of 2 numbers.*4, as the space has them"):
        described(env)
