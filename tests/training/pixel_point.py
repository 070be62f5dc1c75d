"""A small environment that has to be seen: only the image tells where the spot is that the point is to fly to."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict

ENV_ID, TWO_CAMERAS_ID, GREY_ID = "tests/PixelPoint-v0", "tests/TwoCameras-v0", "tests/Grey-v0"
_STEPS, _REACHED = 8, 0.25


class PixelPointEnv(gymnasium.Env):
    """Observation: the point, and an image with a white spot. Action: a step. Done within 0.25 of the spot."""

    metadata = {"render_modes": [], "render_fps": 10}  # noqa: RUF012
    action_space = Box(-0.5, 0.5, (2,), np.float32)

    def __init__(self, side_px: int = 24):
        self._side_px = side_px
        spaces = {"observation": Box(-2, 2, (2,), np.float32)}
        self.observation_space = Dict(spaces | self._cameras(side_px))

    def _cameras(self, side_px):
        return {"pixels": Box(0, 255, (side_px, side_px, 3), np.uint8)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._point, self._spot = self.np_random.uniform(-1, 1, (2, 2))
        self._steps = 0
        return self._observation(), {}

    def step(self, action):
        self._steps += 1
        self._point = np.clip(self._point + action, -2, 2)
        done = bool(np.abs(self._point - self._spot).max() < _REACHED)
        return self._observation(), float(done) - 1.0, done, self._steps >= _STEPS, {"is_success": done}

    def expert_action(self, observation):
        return np.clip(self._spot - self._point, -0.5, 0.5).astype(np.float32)

    def _observation(self):
        pixels = np.zeros((self._side_px, self._side_px, 3), np.uint8)
        x, y = ((self._spot + 1.2) / 2.4 * self._side_px).astype(int)
        pixels[max(0, x - 2) : x + 2, max(0, y - 2) : y + 2] = 255
        return {"pixels": pixels, "observation": self._point.astype(np.float32)}


class TwoCamerasEnv(PixelPointEnv):
    def _cameras(self, side_px):
        return {name: Box(0, 255, (side_px, side_px, 3), np.uint8) for name in ("left", "right")}


class GreyEnv(PixelPointEnv):
    def _cameras(self, side_px):
        return {"pixels": Box(0, 255, (side_px, side_px, 1), np.uint8)}


for _id, _env in ((ENV_ID, PixelPointEnv), (TWO_CAMERAS_ID, TwoCamerasEnv), (GREY_ID, GreyEnv)):
    gymnasium.register(_id, entry_point=f"pixel_point:{_env.__name__}")
