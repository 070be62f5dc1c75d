"""The simulator's figures: each of the real thing, in turns with what it is held against."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.sim.proof_setting import Setting
from tests.sim.small_networks import networks

from trunnion.bench import sim
from trunnion_contract.bundle import MODEL
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.strict import read_json
from trunnion_sim import PICK_AND_PLACE_ID, SORTING_CELL_ID
from trunnion_sim.layout import SORTING_CELL


@pytest.mark.parametrize("env_id", [PICK_AND_PLACE_ID, SORTING_CELL_ID])
def test_a_step_takes_longer_than_the_physics_in_it(monkeypatch: pytest.MonkeyPatch, env_id: str):
    monkeypatch.setattr(sim, "_STEPS", 60)
    row = sim.env_over_physics("sim.env_over_physics", env_id)
    assert (row.unit, row.n) == ("ratio", 60)
    assert 1 < row.value < 10


def test_panda_gym_plays_beside_ours_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sim, "_BLOCKS", 2)
    monkeypatch.setattr(sim, "_BLOCK_STEPS", 60)
    (row,) = sim.against_panda_gym()
    assert (row.name, row.n) == ("sim.vs_panda_gym.ratio", 2)
    assert row.value > 0


def test_without_panda_gym_the_row_is_left_out_and_the_log_says_how_to_have_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(sim, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING):
        assert sim.against_panda_gym() == []
    assert "uv pip install panda-gym" in caplog.text


def test_replays_of_every_environment_are_counted_and_none_differs():
    row = sim.replays_that_differ(2, 1)
    assert (row.name, row.value, row.n) == ("sim.replay_differs", 0, 8)


def test_a_picture_is_held_against_pybullets_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sim, "_PICTURES_EACH", 2)
    row = sim.picture_row(SORTING_CELL)
    assert (row.name, row.unit, row.n) == ("sim.render_224_ms", "ms", 8)
    assert "PyBullet's own picture" in row.against


def test_the_smoke_suite_is_timed_on_the_run_that_the_bundle_was_packed_in(tmp_path: Path):
    run = Setting(tmp_path / "run", networks()).folder
    packed = SimpleNamespace(
        path=run / "pack" / "it.trunnion", model=read_json(ModelManifest, run / "export" / MODEL)
    )
    (row,) = sim.smoke(packed, str(run / "suite.yaml"))
    assert (row.name, row.unit, row.n) == ("sim.smoke_s", "s", 1)
    assert 0 < row.value < 120


def test_without_its_run_a_bundle_has_no_row_of_the_smoke_suite_and_the_log_says_how_to_have_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    alone = SimpleNamespace(path=tmp_path / "pack" / "it.trunnion", model=None)
    with caplog.at_level(logging.WARNING):
        assert sim.smoke(alone) == []
    assert "trunnion run" in caplog.text
