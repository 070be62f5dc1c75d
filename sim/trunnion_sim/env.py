"""`trunnion/SortingCell-v0`: pick one part out of the tray and drop it into a bin, seen through eleven numbers."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np

from trunnion_contract.cell import CellLayout
from trunnion_contract.manifest import Entry
from trunnion_edge.gripper import GraspDetector
from trunnion_edge.limits import Limiter
from trunnion_edge.violations import ViolationMeter
from trunnion_sim.cell import CONTROL_PERIOD_S, SimulatedCell
from trunnion_sim.expert import expert_action
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.parts import CLEARANCE_M, KINDS, Placement, scattered
from trunnion_sim.renderer import PLAIN
from trunnion_sim.spaces import OBSERVATION_TYPES, REWARD_TYPES, box, one_of
from trunnion_sim.world import World

RATE_HZ = 1 / CONTROL_PERIOD_S
TARGET = "target_base_m"

Observation = np.ndarray | dict[str, np.ndarray]


class SortingCellEnv(gym.Env[Observation, np.ndarray]):
    """One part per episode; the episode ends well when the part lies in its bin and the hand has let go.

    Observation, float32 [11]: `observation_entries` in order; with pixels a mapping of `pixels`, what the camera sees,
    uint8 [h, w, 3], RGB, and `observation`, float32 [8], the same without the target. Action, float32 [4]:
    `action_entries` in order; it goes through `trunnion_edge.limits.Limiter`, as on the robot. `info["is_success"]`.

    Args:
        layout: the cell; bins and tray are those of the layout.
        target_noise_m: how far, at most, the target is seen from where it is, along each horizontal axis.
        friction: coefficient of the parts; None draws it from 0.4 to 1.0 for every episode.
        neighbours: how many other parts, at most, lie in the tray.
        reward_type: "sparse", 1 for success and else 0, or "dense", 0 for success and else minus the metres that are
            left: from the part to where it is let go, and, unless it is grasped, from the hand to the part.
        observation_type: "state" or "pixels". Pixels are plain: no shadows, drawn as fine as shown.
        render_mode: "rgb_array" lets `render()` give what the camera sees, uint8 [h, w, 3], RGB.

    Raises:
        BadInput: another reward or observation type.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": RATE_HZ}  # noqa: RUF012

    def __init__(
        self,
        *,
        layout: CellLayout = SORTING_CELL,
        target_noise_m: float = 0.003,
        friction: float | None = None,
        neighbours: int = 3,
        reward_type: str = "sparse",
        observation_type: str = "state",
        render_mode: str | None = None,
    ) -> None:
        self.layout = layout
        self.render_mode = render_mode
        self.rate_hz = RATE_HZ
        one_of("reward_type", reward_type, REWARD_TYPES)
        one_of("observation_type", observation_type, OBSERVATION_TYPES)
        self._dense, self._sees = reward_type == "dense", observation_type == "pixels"
        self._state_entries, self.action_entries = _entries(layout)
        self.observation_entries = tuple(
            entry for entry in self._state_entries if not (self._sees and entry.name == TARGET)
        )
        self._state_space = box(self._state_entries)
        self._low, self._high = self._state_space.low, self._state_space.high
        self.observation_space = self._space()
        self.action_space = box(self.action_entries)
        self._target_noise_m, self._friction, self._neighbours = target_noise_m, friction, neighbours
        self._cell = SimulatedCell(layout, PLAIN, supersampling=1) if self._sees else SimulatedCell(layout)
        self._limiter = Limiter(layout.limits)
        self._grasp = GraspDetector()
        self.violations = ViolationMeter(layout.limits)
        self._way_base_m: list[float] = [0.0] * 6
        self._bin, self._now_s, self._grasped = "", 0.0, False
        self._interventions_before = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Lay out a new episode.

        Options: `label` (class of the part), `bin`, `gripper_base_m` (where the hand starts).
        """
        super().reset(seed=seed)
        wanted, rng = options or {}, self.np_random
        label = str(wanted.get("label") or rng.choice(list(KINDS)))
        self._bin = str(wanted.get("bin") or rng.choice(list(self.layout.bins)))
        start = wanted.get("gripper_base_m")
        start_base_m = self._random_start(rng) if start is None else np.array(start, float)
        friction = float(rng.uniform(0.4, 1.0)) if self._friction is None else self._friction
        self._cell.reset(self._placements(label, rng), friction=friction, grasp_base_m=start_base_m)
        self._way_base_m = [*self._seen_target(rng), *self.layout.bins[self._bin].drop_base_m]
        self._limiter.reset()
        self._interventions_before = self._limiter.interventions
        self._grasp.reset()
        self.violations = ViolationMeter(self.layout.limits)
        self._now_s, self._grasped = 0.0, False
        return self._observation(), self._info()

    def step(self, action: np.ndarray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Follow the action, as far as the limits let it, for 50 ms."""
        motion = self._limiter.limit(
            action[:3],
            float(action[3]),
            position_base_m=self._cell.grasp_point_base_m(),
            dt_s=CONTROL_PERIOD_S,
        )
        self._cell.step(motion.velocity_base_mps, motion.opening_m)
        self._now_s += CONTROL_PERIOD_S
        self.violations.observe(self._cell.grasp_point_base_m(), self._now_s)
        self._grasped = self._grasp.update(motion.opening_m, self._cell.opening_m(), self._now_s)
        info = self._info()
        success = info["is_success"]
        return self._observation(), self._reward(success), success, False, info

    @property
    def world(self) -> World:
        """The physics, for who measures it."""
        return self._cell.world

    def bodies(self) -> np.ndarray:
        """Where all parts lie, which no observation tells: `SimulatedCell.part_poses_base`."""
        return self._cell.part_poses_base()

    def render(self) -> np.ndarray | None:
        """What the cell's camera sees, RGB; None without `render_mode`."""
        return self._picture() if self.render_mode else None

    def close(self) -> None:
        """Give the world back."""
        self._cell.close()

    def expert_action(self, observation: Observation) -> np.ndarray:
        """What the scripted expert does on this observation; float32 [4].

        With pixels, which tell it nothing, it is told where the target is seen.
        """
        return expert_action(self._state() if isinstance(observation, dict) else observation)

    def _placements(self, label: str, rng: np.random.Generator) -> list[Placement]:
        """The target first, then its neighbours."""
        count = int(rng.integers(self._neighbours + 1))
        labels = [label, *rng.choice(list(KINDS), count).tolist()]
        tray = self.layout.tray
        return scattered(labels, tray.center_base_m, tray.size_m, rng, clearance_m=CLEARANCE_M)

    def _random_start(self, rng: np.random.Generator) -> np.ndarray:
        """Over a bin, where the executive looks from, or anywhere above the tray's and bins' rims."""
        low = np.array(self.layout.limits.workspace_low_base_m) + 0.02
        high = np.array(self.layout.limits.workspace_high_base_m) - 0.02
        if rng.random() < 0.5:
            drop = list(self.layout.bins.values())[rng.integers(len(self.layout.bins))].drop_base_m
            return np.clip(drop + rng.uniform((-0.03, -0.03, 0.0), (0.03, 0.03, 0.12)), low, high)
        return rng.uniform((*low[:2], 0.12), high)

    def _seen_target(self, rng: np.random.Generator) -> tuple[float, float, float]:
        part = self._cell.parts[0]
        x, y = part.position_base_m()[:2] + rng.uniform(-self._target_noise_m, self._target_noise_m, 2)
        return self.layout.grasp_point_base_m(part.kind.label, float(x), float(y))

    def _observation(self) -> Observation:
        state = self._state()
        if not self._sees:
            return state
        told = [np.full(entry.size, entry.name != TARGET) for entry in self._state_entries]
        return {"pixels": self._picture(), "observation": state[np.concatenate(told)]}

    def _reward(self, success: bool) -> float:
        if not self._dense:
            return float(success)
        return 0.0 if success else -self._left_m()

    def _left_m(self) -> float:
        """How far the part, and the hand that does not have it yet, still have to go."""
        part_m = self._cell.parts[0].position_base_m().tolist()
        left_m = math.dist(part_m, self.layout.bins[self._bin].drop_base_m)
        if not self._grasped:
            left_m += math.dist(self._cell.grasp_point_base_m().tolist(), part_m)
        return left_m

    def _picture(self) -> np.ndarray:
        return np.ascontiguousarray(self._cell.render()[:, :, ::-1])

    def _state(self) -> np.ndarray:
        hand = (*self._cell.grasp_point_base_m().tolist(), self._cell.opening_m(), float(self._grasped))
        state = np.array((*hand, *self._way_base_m), np.float32)
        return np.minimum(np.maximum(state, self._low, out=state), self._high, out=state)

    def _space(self) -> gym.Space[Any]:
        if not self._sees:
            return self._state_space
        camera = self.layout.camera
        picture = gym.spaces.Box(0, 255, (camera.height_px, camera.width_px, 3), np.uint8)
        return gym.spaces.Dict({"pixels": picture, "observation": box(self.observation_entries)})

    def _info(self) -> dict[str, Any]:
        part = self._cell.parts[0]
        return {
            "is_success": self._cell.bin_of(part) == self._bin and not self._grasped,
            "label": part.kind.label,
            "bin": self._bin,
            "limit_violations": self.violations.total,
            "interventions": self._limiter.interventions - self._interventions_before,
        }


def _entries(layout: CellLayout) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """What the vectors hold, in order, with units and ranges."""
    limits = layout.limits
    low = min(*limits.workspace_low_base_m, -0.02) - 0.05
    high = max(*limits.workspace_high_base_m) + 0.05
    opening = Entry(name="opening_m", size=1, unit="m", low=0.0, high=limits.opening_max_m)
    observation = (
        Entry(name="gripper_base_m", size=3, unit="m", low=low, high=high),
        opening,
        Entry(name="grasped", size=1, unit="1", low=0.0, high=1.0),
        Entry(name=TARGET, size=3, unit="m", low=low, high=high),
        Entry(name="place_base_m", size=3, unit="m", low=low, high=high),
    )
    speed = limits.speed_max_mps
    return observation, (Entry(name="velocity_base_mps", size=3, unit="m/s", low=-speed, high=speed), opening)
