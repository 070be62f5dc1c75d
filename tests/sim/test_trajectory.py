"""Claims about trajectories: the same seed gives the same bytes, wherever it is played."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest

from trunnion_sim import ENVIRONMENTS, PICK_AND_PLACE_ID, SORTING_CELL_ID
from trunnion_sim.trajectory import Trajectory, differing_replays, played

CHILD = """
import sys, gymnasium, trunnion_sim
from trunnion_sim.trajectory import played
for env_id in trunnion_sim.ENVIRONMENTS:
    with gymnasium.make(env_id) as env:
        played(env, 8, rough=True)
        print(env_id, played(env, 7, rough=env_id != trunnion_sim.SORTING_CELL_ID))
"""


@pytest.mark.parametrize("env_id", ENVIRONMENTS)
def test_a_used_environment_plays_the_same_bytes_as_a_fresh_one(env_id: str) -> None:
    seeds, rounds = (range(3), 2) if env_id == SORTING_CELL_ID else (range(8), 5)
    assert differing_replays(env_id, seeds, rounds) == 0


def test_another_process_plays_the_same_bytes() -> None:
    said = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout
    theirs = dict(line.split() for line in said.splitlines())
    assert set(theirs) == set(ENVIRONMENTS)
    for env_id, digest in theirs.items():
        with gymnasium.make(env_id) as env:
            assert played(env, 7, rough=env_id != SORTING_CELL_ID) == digest


def test_pictures_are_the_same_bytes_too() -> None:
    settings = {"observation_type": "pixels", "image_size_px": 32}
    assert differing_replays(PICK_AND_PLACE_ID, range(2), 2, **settings) == 0


def test_other_seeds_and_other_actions_play_other_bytes() -> None:
    with gymnasium.make(PICK_AND_PLACE_ID) as env:
        digests = {played(env, 1), played(env, 2), played(env, 1, rough=True)}
    assert len(digests) == 3


@pytest.mark.parametrize("env_id", [SORTING_CELL_ID, PICK_AND_PLACE_ID])
def test_a_digest_sees_things_move_that_no_observation_tells(
    env_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gymnasium.make(env_id) as env:
        before, bodies = played(env, 1), env.unwrapped.bodies  # type: ignore[attr-defined]
        assert bodies().size >= 12
        assert played(env, 1) == before
        monkeypatch.setattr(env.unwrapped, "bodies", lambda: bodies() + 1e-9)
        assert played(env, 1) != before


def test_a_digest_sees_the_last_bit_the_order_and_the_type() -> None:
    one, other = np.array([1.0, 2.0]), np.array([1.0, np.nextafter(2.0, 3.0)])
    assert _digest(one, other) == _digest(one.copy(), other.copy())
    assert (
        len({_digest(one, other), _digest(other, one), _digest(one, one), _digest(one.astype(np.float32))})
        == 4
    )


def _digest(*values: np.ndarray) -> str:
    trajectory = Trajectory()
    for value in values:
        trajectory.add("observation", value)
    return trajectory.hexdigest()
