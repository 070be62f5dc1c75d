"""The simulator against bare PyBullet, and against itself."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import gymnasium
import numpy as np

from trunnion.bench.measure import Row, median_row, ratio_row, taking_turns
from trunnion_contract.bundle import Bundle
from trunnion_contract.cell import CellLayout
from trunnion_sim import SORTING_CELL_ID
from trunnion_sim.cell import CONTROL_PERIOD_S, SimulatedCell
from trunnion_sim.robot import substeps

_STEPS = 400
_PICTURES = 60
_SIDE_PX = 224
_SEEDS = (11, 12, 13)
_PARTS = ("gear", "bolt", "nut")


def rows(bundle: Bundle) -> list[Row]:
    """`sim.*`, for the cell of the bundle."""
    layout = bundle.model.cell
    return [_env_over_physics(layout), _render(layout), _replay(layout)] if layout else []


def _env_over_physics(layout: CellLayout) -> Row:
    """A whole step of the environment over the physics in it: as many parts, the same motion, nothing else."""
    seconds: list[list[float]] = [[], []]
    with _env(layout) as env, SimulatedCell(layout) as floor:
        observation = _start(env, floor, _SEEDS[0])
        for number in range(_STEPS):
            action = env.unwrapped.expert_action(observation)
            began_s = time.perf_counter()
            observation, _, terminated, truncated, _ = env.step(action)
            seconds[0].append(time.perf_counter() - began_s)
            floor.robot.command(action[:3], float(action[3]), CONTROL_PERIOD_S)
            began_s = time.perf_counter()
            floor.world.step(substeps(CONTROL_PERIOD_S))
            seconds[1].append(time.perf_counter() - began_s)
            if terminated or truncated:
                observation = _start(env, floor, _SEEDS[0] + number)
    return ratio_row(
        "sim.env_over_physics", seconds, f"{substeps(CONTROL_PERIOD_S)} physics steps, nothing else"
    )


def _start(env: gymnasium.Env[Any, Any], floor: SimulatedCell, seed: int) -> np.ndarray:
    observation: np.ndarray = env.reset(seed=seed)[0]
    floor.lay_out(_PARTS, np.random.default_rng(seed))
    floor.robot.place(observation[:3].astype(float), floor.layout.limits.opening_max_m)
    return observation


def _render(layout: CellLayout) -> Row:
    camera = layout.camera.model_copy(update={"width_px": _SIDE_PX, "height_px": _SIDE_PX})
    with SimulatedCell(layout.model_copy(update={"camera": camera})) as cell:
        cell.lay_out(_PARTS, np.random.default_rng(_SEEDS[0]))
        bullet = cell.world.bullet
        ours_s, bare_s = taking_turns(
            _PICTURES,
            cell.render,
            lambda: bullet.getCameraImage(_SIDE_PX, _SIDE_PX, renderer=bullet.ER_TINY_RENDERER),
        )
    against = f"{median(bare_s) * 1000:.1f} ms for PyBullet's own picture of the same moving bodies, without scenery"
    return median_row("sim.render_224_ms", [second * 1000 for second in ours_s], "ms", against)


def _replay(layout: CellLayout) -> Row:
    """Steps whose observation differs by a bit when an episode is played again in a used environment."""
    with _env(layout) as used, _env(layout) as fresh:
        _play(used, _SEEDS[0])
        played = [(_play(used, seed), _play(fresh, seed)) for seed in _SEEDS]
    differing = sum(
        one != other for first, second in played for one, other in zip(first, second, strict=True)
    )
    steps = sum(len(first) for first, _ in played)
    return Row("sim.replay_differs", differing, "steps", f"{steps} steps played twice", steps, 0.0)


def _play(env: gymnasium.Env[Any, Any], seed: int) -> list[bytes]:
    observation, _ = env.reset(seed=seed)
    seen = [observation.tobytes()]
    ended = False
    while not ended:
        action = env.unwrapped.expert_action(observation)  # type: ignore[attr-defined]
        observation, _, terminated, truncated, _ = env.step(action)
        seen.append(observation.tobytes())
        ended = terminated or truncated
    return seen


def _env(layout: CellLayout) -> Any:
    return gymnasium.make(SORTING_CELL_ID, layout=layout)
