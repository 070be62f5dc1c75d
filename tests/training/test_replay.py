"""The replays of SAC: what was shown is drawn beside what was practised, and says which reward ends an episode."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trunnion_contract.policy_training import PolicyTraining
from trunnion_training.policy.clone import spec_of
from trunnion_training.policy.environment import Task
from trunnion_training.policy.learner import fresh_network
from trunnion_training.policy.replay import demonstrated_replay, reward_of_the_end
from trunnion_training.policy.sac import Imitation, SacLearner

MARK = 7.0
PRACTICE = {"steps": 400, "start": "clone", "round_steps": 60, "batch": 64, "critic_warmup_steps": 1000}
GOAL_LINE = {
    "env": "tests/GoalLine-v0", "env_package": "goal_line", "hidden": [16], "method": "sac", "epochs": 1,
    "reinforcement": PRACTICE,
}  # fmt: skip


def begun(**shown: Any) -> SacLearner:
    """SAC that goes on from a policy that has learnt nothing."""
    settings = PolicyTraining.model_validate(GOAL_LINE | shown)
    task = Task(settings.env, settings.env_package)
    network = fresh_network(task, settings, spec_of(task), "tanh")
    return SacLearner(task, settings, network, Imitation(torch.zeros(4, 4), torch.zeros(4, 1)))


@pytest.mark.usefixtures("goal_line")
def test_half_of_every_batch_is_demonstrations() -> None:
    learner = begun(demonstrations=4)
    model = learner._model
    assert model.origin is not None
    assert model.origin.replay is not None
    model.origin.replay.actions[:] = MARK
    assert (model._batch(64).actions == MARK).all()  # nothing was practised yet
    learner.play_round(0, lambda steps: None)
    assert int((model._batch(64).actions == MARK).sum()) == 32


@pytest.mark.usefixtures("goal_line")
def test_without_rewards_of_demonstrations_all_is_drawn_from_practice() -> None:
    learner = begun(recording="shown.parquet")
    learner.play_round(0, lambda steps: None)
    assert learner._model.origin is not None
    assert learner._model.origin.replay is None
    assert len(learner._model._batch(64).actions) == 64


@pytest.mark.usefixtures("goal_line")
def test_a_reward_that_only_last_steps_have_ends_an_episode_in_hindsight_too() -> None:
    settings = PolicyTraining.model_validate(GOAL_LINE | {"demonstrations": 4})
    task = Task(settings.env, settings.env_package)
    buffer = demonstrated_replay(begun(demonstrations=4)._model, task, settings)
    assert buffer is not None
    assert reward_of_the_end(buffer) == 0.0
    buffer.rewards[0] = 0.0  # of a step that did not end its episode
    assert not buffer.dones[0]
    assert reward_of_the_end(buffer) is None
    assert reward_of_the_end(None) is None


@pytest.mark.usefixtures("goal_line")
def test_values_stay_within_bounds_for_actions_that_nobody_tried() -> None:
    critic = begun(demonstrations=4)._model.critic
    features = torch.zeros(1, critic.q_networks[0][0].in_features - 1)
    near, far = (
        critic.q_networks[0](torch.cat([features, torch.full((1, 1), x)], dim=1)) for x in (1e3, 1e6)
    )
    assert torch.allclose(near, far, atol=1e-2)
