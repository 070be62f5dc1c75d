"""Small environments for reinforcement: a point on a line with a goal, and ones that nothing can be learnt in."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

GOAL_ID, BROKEN_ID, UNREWARDED_ID, TIMELESS_ID, DISCRETE_ID, DICT_ID, IMAGE_ID, UNBOUNDED_ID = (
    f"tests/{name}-v0"
    for name in (
        "GoalLine",
        "Broken",
        "Unrewarded",
        "Timeless",
        "DiscreteAction",
        "NoGoals",
        "Image",
        "UnboundedAction",
    )
)
_REACHED = 0.1


def _line(size: int, reach: float = 2.0) -> Box:
    return Box(-reach, reach, (size,), np.float32)


class GoalLineEnv(gymnasium.Env):
    """The point is to be within 0.1 of the goal; the reward is 0 there, else -1. `observation` is without bounds."""

    metadata = {"render_modes": [], "render_fps": 10}  # noqa: RUF012
    observation_space = Dict(
        {
            "observation": Box(-np.inf, np.inf, (2,), np.float32),
            "achieved_goal": _line(1),
            "desired_goal": _line(1),
        }
    )
    action_space = _line(1, 0.5)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._point, self._goal = self.np_random.uniform(-1, 1, 2)
        self._speed, self._steps = 0.0, 0
        return self._observation(), {}

    def step(self, action):
        self._speed, self._steps = float(np.clip(action[0], -0.5, 0.5)), self._steps + 1
        self._point = float(np.clip(self._point + self._speed, -2, 2))
        observation = self._observation()
        reward = self.compute_reward(observation["achieved_goal"], observation["desired_goal"], {})
        return (
            observation,
            float(reward),
            bool(reward == 0),
            self._steps >= 10,
            {"is_success": bool(reward == 0)},
        )

    def compute_reward(self, achieved_goal, desired_goal, info):
        distance = np.abs(np.asarray(achieved_goal) - np.asarray(desired_goal))[..., 0]
        return (distance < _REACHED).astype(np.float32) - np.float32(1)

    def expert_action(self, observation):
        return np.clip(observation["desired_goal"] - observation["achieved_goal"], -0.5, 0.5).astype(
            np.float32
        )

    def _observation(self):
        values = ([self._point, self._speed], [self._point], [self._goal])
        return {
            name: np.array(value, np.float32)
            for name, value in zip(("observation", "achieved_goal", "desired_goal"), values, strict=True)
        }


class BrokenEnv(GoalLineEnv):
    """Its third observation is not a number."""

    def step(self, action):
        observation, *rest = super().step(action)
        if self._steps == 3:
            observation["observation"][0] = np.nan
        return observation, *rest


class UnrewardedEnv(GoalLineEnv):
    """Its third reward is not a number."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, np.nan if self._steps == 3 else reward, *rest


class TimelessEnv(GoalLineEnv):
    """Says nothing of its rate."""

    metadata = {"render_modes": []}  # noqa: RUF012


class DiscreteActionEnv(GoalLineEnv):
    action_space = Discrete(3)


class NoGoalsEnv(GoalLineEnv):
    observation_space = Dict({"near": _line(1), "far": _line(1)})


class ImageEnv(GoalLineEnv):
    observation_space = Box(0, 255, (8, 8, 3), np.uint8)


class UnboundedActionEnv(GoalLineEnv):
    action_space = Box(-np.inf, np.inf, (1,), np.float32)


for _id, _env in (
    (GOAL_ID, GoalLineEnv),
    (BROKEN_ID, BrokenEnv),
    (UNREWARDED_ID, UnrewardedEnv),
    (TIMELESS_ID, TimelessEnv),
    (DISCRETE_ID, DiscreteActionEnv),
    (DICT_ID, NoGoalsEnv),
    (IMAGE_ID, ImageEnv),
    (UNBOUNDED_ID, UnboundedActionEnv),
):
    gymnasium.register(_id, entry_point=f"goal_line:{_env.__name__}")
