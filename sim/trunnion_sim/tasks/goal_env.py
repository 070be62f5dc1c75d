"""What the goal-conditioned tasks share: spaces, rewards, episodes and pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry
from trunnion_edge.goal_observation import as_vector
from trunnion_sim.spaces import OBSERVATION_TYPES, REWARD_TYPES, box, one_of
from trunnion_sim.tasks.entries import CUBE_NUMBERS, GOAL, action_entries, state_entries
from trunnion_sim.tasks.table_camera import TableCamera
from trunnion_sim.tasks.table_scene import CUBE_M, RATE_HZ, TableScene
from trunnion_sim.world import World

# panda-gym asks for 5 cm along each axis; along x its inverse kinematics gives up after two thirds of the way, so that
# 3.5 cm of a hand that goes where it is told are as far.
STEP_MAX_M = (0.035, 0.05, 0.05)
OPENING_STEP_MAX_M = 0.2
SUCCESS_M = 0.05

Array = NDArray[Any]
Observation = dict[str, Array]


@dataclass(frozen=True)
class Task:
    """What is asked for.

    Attributes:
        cube: whether a cube is to be brought to the goal; otherwise the hand is.
        gripper: whether the fingers are controlled; otherwise they stay closed.
        goal_low_m, goal_high_m: the box from which goals are drawn, in the table's frame.
        on_table: how often the goal is on the table whatever its height was drawn as.
        expert: flattened observation → action, without memory.
    """

    cube: bool
    gripper: bool
    goal_low_m: tuple[float, float, float]
    goal_high_m: tuple[float, float, float]
    on_table: float
    expert: Callable[[Array], Array]


class GoalEnv(gym.Env[Observation, Array]):
    """The hand, or a cube, is to be within 5 cm of a goal; the episode ends when it is.

    Action, float32 [3 or 4] in -1..1, 25 Hz: displacement of the hand in shares of `STEP_MAX_M`, then change of the
    opening in shares of 20 cm. Observation: `observation`, `achieved_goal` and `desired_goal`, float32;
    `observation_entries` describe the vector that `trunnion_edge.goal_observation.as_vector` makes of it.

    Args:
        reward_type: "sparse", 0 within 5 cm of the goal and -1 elsewhere, or "dense", minus the distance in metres.
        observation_type: "state", or "pixels": then there is also `pixels`, uint8 [s, s, 3], RGB, and `observation`
            holds what an arm knows of itself, and nothing of the cube.
        image_size_px: side s of the picture, also of `render()`.
        render_mode: "rgb_array" lets `render()` give the picture.

    Raises:
        BadInput: another reward or observation type, or a picture without pixels.
    """

    task: ClassVar[Task]
    metadata = {"render_modes": ["rgb_array"], "render_fps": RATE_HZ}  # noqa: RUF012

    def __init__(
        self,
        *,
        reward_type: str = "sparse",
        observation_type: str = "state",
        image_size_px: int = 84,
        render_mode: str | None = None,
    ) -> None:
        one_of("reward_type", reward_type, REWARD_TYPES)
        one_of("observation_type", observation_type, OBSERVATION_TYPES)
        self.render_mode, self.rate_hz = render_mode, RATE_HZ
        self._dense, self._sees = reward_type == "dense", observation_type == "pixels"
        looked_at = self._sees or render_mode is not None
        self._camera = TableCamera(image_size_px) if looked_at else None
        own = state_entries(gripper=self.task.gripper, cube=self.task.cube and not self._sees)
        self.observation_entries = (*own, GOAL)
        self.action_entries = action_entries(gripper=self.task.gripper)
        self.action_space = box(self.action_entries)
        self.observation_space = self._space(own, image_size_px)
        state = box(state_entries(gripper=self.task.gripper, cube=self.task.cube))
        self._low, self._high, self._own_size = state.low, state.high, sum(entry.size for entry in own)
        self._goal_m = np.zeros(3, np.float32)
        self._scene = TableScene(cube=self.task.cube, target=looked_at)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw a goal, and a place for the cube."""
        super().reset(seed=seed)
        goal_m = self._drawn_goal()
        self._goal_m = goal_m.astype(np.float32)
        self._scene.reset(goal_m, self._drawn_cube() if self.task.cube else None)
        observation = self._observation()
        return observation, {"is_success": self._distance_m(observation) < SUCCESS_M}

    def step(self, action: Array) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Follow the action, cut to -1..1, for 40 ms."""
        x, y, z, *fingers = self._checked(action)
        opening_m = self._scene.opening_m + OPENING_STEP_MAX_M * fingers[0] if fingers else 0.0
        self._scene.move((STEP_MAX_M[0] * x, STEP_MAX_M[1] * y, STEP_MAX_M[2] * z), opening_m)
        observation = self._observation()
        distance_m = self._distance_m(observation)
        success = distance_m < SUCCESS_M
        reward = -float(np.float32(distance_m)) if self._dense else float(success) - 1.0
        return observation, reward, success, False, {"is_success": success}

    def compute_reward(self, achieved_goal: Array, desired_goal: Array, info: Any) -> Array:
        """The reward of having achieved [..., 3] when [..., 3] was wanted, float32 [...]; `info` is not looked at."""
        x, y, z = np.moveaxis(np.subtract(achieved_goal, desired_goal, dtype=np.float64), -1, 0)
        distance_m = np.sqrt(x * x + y * y + z * z)
        reward = -distance_m if self._dense else (distance_m < SUCCESS_M) - 1.0
        return reward.astype(np.float32)

    def expert_action(self, observation: Observation | Array) -> Array:
        """What the scripted expert does on this observation, as the environment gives it or flattened; float32.

        With pixels, which tell it nothing, it looks at the scene itself.
        """
        vector = np.concatenate([self._state(), self._goal_m]) if self._sees else as_vector(observation)
        return self.task.expert(vector)

    @property
    def world(self) -> World:
        """The physics, for who measures it."""
        return self._scene.world

    def bodies(self) -> Array:
        """Where the cube is and how it moves, which pixels tell only roughly: float64 [12], or [0] without a cube."""
        return np.array(self._scene.cube_state() if self.task.cube else ())

    def render(self) -> NDArray[np.uint8] | None:
        """The scene from the front, RGB; None without `render_mode`."""
        return self._camera.picture(self._scene.world) if self.render_mode and self._camera else None

    def close(self) -> None:
        """Give the world back."""
        self._scene.close()

    def _drawn_goal(self) -> Array:
        goal_m = self.np_random.uniform(self.task.goal_low_m, self.task.goal_high_m)
        if self.task.on_table and self.np_random.random() < self.task.on_table:
            goal_m[2] = self.task.goal_low_m[2]
        return goal_m

    def _drawn_cube(self) -> Array:
        return self.np_random.uniform((-0.15, -0.15, CUBE_M / 2), (0.15, 0.15, CUBE_M / 2))

    def _checked(self, action: Array) -> list[float]:
        """The action cut to -1..1. What is not a number would stay in the physics for ever."""
        values: list[float] = action.tolist()
        if len(values) != self.action_space.shape[0] or math.isnan(sum(values)):
            raise BadInput(
                where="action", got=str(values), wanted=f"{self.action_space.shape[0]} numbers",
                next_step="look at what gives the actions",
            )  # fmt: skip
        return [min(max(value, -1.0), 1.0) for value in values]

    def _distance_m(self, observation: Observation) -> float:
        """To the goal; as in `compute_reward`, without arrays, which take longer than three numbers."""
        pairs = zip(observation["achieved_goal"].tolist(), self._goal_m.tolist(), strict=True)
        x, y, z = (achieved - wanted for achieved, wanted in pairs)
        return math.sqrt(x * x + y * y + z * z)

    def _state(self) -> Array:
        """Everything there is to know, as floats [n]: the arm's part first."""
        scene = self._scene
        opening = (scene.opening_m,) if self.task.gripper else ()
        cube = scene.cube_state() if self.task.cube else ()
        state = np.array((*scene.hand_m, *scene.hand_mps, *opening, *cube), np.float32)
        return np.minimum(np.maximum(state, self._low, out=state), self._high, out=state)

    def _observation(self) -> Observation:
        state = self._state()
        observation = {
            "observation": state[: self._own_size],
            "achieved_goal": (state[-CUBE_NUMBERS:] if self.task.cube else state)[:3].copy(),
            "desired_goal": self._goal_m.copy(),
        }
        if self._sees and self._camera:
            observation["pixels"] = self._camera.picture(self._scene.world)
        return observation

    def _space(self, own: tuple[Entry, ...], side_px: int) -> gym.spaces.Dict:
        goal = box((GOAL,))
        spaces: dict[str, gym.Space[Any]] = {
            "observation": box(own), "achieved_goal": goal, "desired_goal": goal,
        }  # fmt: skip
        if self._sees:
            spaces["pixels"] = gym.spaces.Box(0, 255, (side_px, side_px, 3), np.uint8)
        return gym.spaces.Dict(spaces)
