"""The simulator against bare PyBullet, against panda-gym, and against itself."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import gymnasium
import numpy as np

from trunnion.bench.measure import Row, median_row, ratio_row, taking_turns
from trunnion_contract.bundle import MODEL, Bundle
from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.progress import Silent
from trunnion_contract.proof import Proof
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_sim import PICK_AND_PLACE_ID, PUSH_ID, REACH_ID, SORTING_CELL_ID
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.prove import Options, prove
from trunnion_sim.renderer import PLAIN
from trunnion_sim.trajectory import differing_replays
from trunnion_sim.world import World

_STEPS = 400
_SIDE_PX = 224
_SEED = 11
_PARTS = ("gear", "bolt", "nut")
# Where the hand is in a picture: over a bin, over the tray, at a part, and drawn back.
_HANDS_BASE_M = ((0.50, 0.225, 0.22), (0.50, 0.0, 0.20), (0.55, -0.05, 0.03), (0.36, 0.0, 0.25))
_PICTURES_EACH = 20
_REPLAYED_SEEDS, _REPLAY_ROUNDS = 50, 20
_BLOCKS, _BLOCK_STEPS = 12, 400
_WORKERS, _SMOKE_MAX_S = 2, 120

log = logging.getLogger(__name__)


def rows(bundle: Bundle) -> list[Row]:
    """`sim.*`; the sorting cell is that of the bundle."""
    layout = bundle.model.cell
    return [*task_rows(), *(_cell_rows(layout) if layout else ()), *smoke(bundle)]


def task_rows() -> list[Row]:
    """What needs no bundle."""
    return [
        env_over_physics("sim.env_over_physics", PICK_AND_PLACE_ID),
        env_over_physics("sim.env_over_physics.push", PUSH_ID),
        env_over_physics("sim.env_over_physics.reach", REACH_ID),
        *against_panda_gym(),
        replays_that_differ(_REPLAYED_SEEDS, _REPLAY_ROUNDS),
    ]


def _cell_rows(layout: CellLayout) -> tuple[Row, ...]:
    cell = env_over_physics("sim.env_over_physics.sorting_cell", SORTING_CELL_ID, layout=layout)
    return cell, picture_row(layout)


def env_over_physics(name: str, env_id: str, **settings: Any) -> Row:
    """A whole step of the environment over the physics that is made in it; seconds of CPU, as the expert acts."""
    seconds: list[list[float]] = [[], []]
    with (
        gymnasium.make(env_id, **settings) as env,
        _physics_timed(env.unwrapped.world, seconds[1]),  # type: ignore[attr-defined]
    ):
        observation, _ = env.reset(seed=_SEED)
        seconds[1].clear()
        for number in range(_STEPS):
            action = env.unwrapped.expert_action(observation)  # type: ignore[attr-defined]
            began_s = time.thread_time()
            observation, _, terminated, truncated, _ = env.step(action)
            seconds[0].append(time.thread_time() - began_s)
            if terminated or truncated:
                observation, _ = env.reset(seed=_SEED + number)
                del seconds[1][len(seconds[0]) :]  # the physics of the reset
    return ratio_row(name, seconds, "the physics in the same steps")


@contextmanager
def _physics_timed(world: World, seconds: list[float]) -> Iterator[None]:
    """Note how long each call of `world.step` takes."""
    bare = world.step

    def timed(count: int = 1) -> None:
        began_s = time.thread_time()
        bare(count)
        seconds.append(time.thread_time() - began_s)

    with mock.patch.object(world, "step", timed):
        yield


def against_panda_gym() -> list[Row]:
    """PickAndPlace's steps per second over panda-gym's, in processes that work in turns; none without panda-gym."""
    if find_spec("panda_gym") is None:
        log.warning("no sim.vs_panda_gym.ratio: panda-gym is not installed (uv pip install panda-gym==3.0.7)")
        return []
    with ExitStack() as stack:
        theirs = stack.enter_context(_playing("PandaPickAndPlace-v3", "panda_gym"))
        ours = stack.enter_context(_playing(PICK_AND_PLACE_ID, "trunnion_sim"))
        seconds: list[list[float]] = [[], []]
        for _ in range(_BLOCKS):
            for process, took_s in zip((theirs, ours), seconds, strict=True):
                took_s.append(_steps(process, _BLOCK_STEPS))
    rates = " and ".join(f"{_BLOCK_STEPS / median(took_s):.0f}" for took_s in seconds)
    return [ratio_row("sim.vs_panda_gym.ratio", seconds, f"panda-gym's steps per second of CPU ({rates})")]


@contextmanager
def _playing(env_id: str, package: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "trunnion.bench.env_probe", env_id, package]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            _steps(process, 1)
            yield process
        finally:
            process.kill()


def _steps(process: subprocess.Popen[str], count: int) -> float:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{count}\n")
    process.stdin.flush()
    return float(json.loads(process.stdout.readline()))


def picture_row(layout: CellLayout) -> Row:
    """A picture of 224 pixels without shadows, with the hand at several places, as the environment gives it."""
    camera = layout.camera.model_copy(update={"width_px": _SIDE_PX, "height_px": _SIDE_PX})
    ours_ms: list[float] = []
    bare_ms: list[float] = []
    with SimulatedCell(layout.model_copy(update={"camera": camera}), PLAIN, supersampling=1) as cell:
        cell.lay_out(_PARTS, np.random.default_rng(_SEED))
        for hand_base_m in _HANDS_BASE_M:
            cell.robot.place(np.array(hand_base_m), layout.limits.opening_max_m)
            ours_s, bare_s = taking_turns(_PICTURES_EACH, cell.render, cell.capture)
            ours_ms += [second * 1000 for second in ours_s]
            bare_ms += [second * 1000 for second in bare_s]
    against = f"{median(bare_ms):.1f} ms for PyBullet's own picture of the moving bodies from the same camera"
    return median_row("sim.render_224_ms", ours_ms, "ms", against)


def replays_that_differ(seeds: int, rounds: int) -> Row:
    """Episodes with other bytes in a used environment than in a fresh one, over every environment."""
    env_ids = (SORTING_CELL_ID, REACH_ID, PUSH_ID, PICK_AND_PLACE_ID)
    differing = sum(differing_replays(env_id, range(seeds), rounds) for env_id in env_ids)
    count = len(env_ids) * seeds * rounds
    against = f"{count} replays in used environments, {count // len(env_ids)} of each of {len(env_ids)}"
    return Row("sim.replay_differs", differing, "episodes", against, count, 0.0)


def smoke(bundle: Bundle, suite: str = "smoke") -> list[Row]:
    """A whole proof in the suite, of the run that the bundle was packed in; nothing where there is no such run."""
    run_dir = bundle.path.resolve().parents[1]
    try:
        began_s = time.perf_counter()
        proof = _proven(run_dir, bundle.model, suite)
    except BadInput as error:
        log.warning(
            "no sim.smoke_s: %s is not in the folder of its run, with data and export (%s); "
            "trunnion run training/usecases/sorting_cell.yaml makes one",
            bundle.path.name,
            error,
        )
        return []
    took_s = time.perf_counter() - began_s
    episodes = sum(scenario.success.trials for scenario in proof.scenarios)
    against = f"{_SMOKE_MAX_S} s for {episodes} episodes and the rest of the proof, on {_WORKERS} workers"
    return [median_row("sim.smoke_s", [took_s], "s", against)]


def _proven(run_dir: Path, packed: ModelManifest, suite: str) -> Proof:
    usecase = read_json(UseCase, run_dir / "usecase.json")
    exported = read_json(ModelManifest, run_dir / "export" / MODEL)
    if exported != packed:
        raise BadInput(
            where=str(run_dir), got="another export", wanted="that of the bundle", next_step="trunnion pack"
        )
    with TemporaryDirectory(prefix="trunnion-smoke-") as folder:
        return prove(
            usecase,
            run_dir / "data",
            run_dir / "export",
            Path(folder),
            Silent(),
            workers=_WORKERS,
            options=Options(suite=suite),
        )
