"""Environments like those of other people: drawing shakes one or fails, one is not drawn, one plays another course."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from trunnion_sim.tasks.reach import ReachEnv

STEPS = 10


class Shaking(ReachEnv):
    """Its goal moves whenever somebody looks."""

    def render(self) -> Any:
        self._goal_m += np.float32(0.001)
        return super().render()


class Cracked(ReachEnv):
    """Cannot be drawn, and says so too late."""

    def render(self) -> Any:
        raise RuntimeError("no\n  display")


class Unseen(ReachEnv):
    """Is not made to be looked at."""

    metadata = {"render_modes": ["human"], "render_fps": 25}  # noqa: RUF012


class Restless(ReachEnv):
    """Keeps something from one episode to the next."""

    episodes = 0

    def reset(self, **settings: Any) -> Any:
        self.episodes += 1
        return super().reset(**settings)

    def _observation(self) -> Any:
        observation = super()._observation()
        observation["observation"] += np.float32(0.001 * self.episodes)
        return observation


for _env in (Shaking, Cracked, Unseen, Restless):
    gymnasium.register(f"foreign/{_env.__name__}-v0", entry_point=_env, max_episode_steps=STEPS)
