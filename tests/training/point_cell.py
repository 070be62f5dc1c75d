"""A small environment with an expert: a point flies to a target and closes its gripper there."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from trunnion_contract.manifest import Entry

ENV_ID = "tests/Point-v0"
_REACHED_M = 0.02


class PointEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """Observation: point and target in the plane. Action: velocity, opening. Done when closed at the target."""

    observation_entries = (
        Entry(name="point_m", size=2, unit="m", low=-1, high=1),
        Entry(name="target_m", size=2, unit="m", low=-1, high=1),
    )
    action_entries = (
        Entry(name="velocity_mps", size=2, unit="m/s", low=-1, high=1),
        Entry(name="opening_m", size=1, unit="m", low=0, high=0.08),
    )
    rate_hz = 20.0
    observation_space = Box(-1, 1, (4,), np.float32)
    action_space = Box(np.array([-1, -1, 0], np.float32), np.array([1, 1, 0.08], np.float32))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._point, self._target = self.np_random.uniform(-0.8, 0.8, (2, 2))
        self._steps = 0
        return self._observation(), {}

    def step(self, action):
        self._steps += 1
        self._point = np.clip(self._point + action[:2] / self.rate_hz, -1, 1)
        near = bool(np.linalg.norm(self._point - self._target) < 2 * _REACHED_M)
        done = near and action[2] < 0.04
        return self._observation(), 0.0, done, self._steps >= 120, {"is_success": done}

    def expert_action(self, observation):
        offset = observation[2:] - observation[:2]
        opening = 0.0 if np.linalg.norm(offset) < _REACHED_M else 0.08
        return np.append(np.clip(offset * 4, -1, 1), opening).astype(np.float32)

    def _observation(self):
        return np.concatenate([self._point, self._target]).astype(np.float32)


gymnasium.register(ENV_ID, entry_point="point_cell:PointEnv")
