"""An engine is attached to the bundle beside the flow: nothing is exported or proven again for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trunnion_contract.attached_engines import ENGINES, AttachedEngines
from trunnion_contract.bundle import MODEL, PROOF, open_bundle
from trunnion_contract.strict import parse_json

ON_A_GPU = Path(__file__).with_name("on_a_gpu.py")


@pytest.fixture
def on_a_gpu(start: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Runs `trunnion` on a machine with a GPU."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GPU", "Orin")
    return lambda *words: start(ON_A_GPU, *words, program=sys.executable).end()


def attached(bundle: Path) -> list[str]:
    """The GPUs whose engines are in a bundle."""
    contents = open_bundle(bundle).contents
    listed = parse_json(AttachedEngines, contents[ENGINES], ENGINES).plans if ENGINES in contents else ()
    assert all("boxes 0 px off" in plan.compared for plan in listed)
    return [plan.key.gpu for plan in listed]


def test_the_engine_comes_into_the_bundle_and_stays_while_nothing_changes(copied, on_a_gpu, trunnion):
    before = open_bundle(copied.bundle)
    run = ("run", copied.usecase, "--runs", copied.runs)
    first = on_a_gpu(*run, "--engine")
    assert first.code == 0, first
    for said in ("engine (first time)", "builds the engine", "pack (changed: engine)"):
        assert said in first.out
    for stage in ("data", "export", "prove"):
        assert f"{stage}: as it was, nothing changed" in first.out
    assert attached(copied.bundle) == ["Orin"]
    after = open_bundle(copied.bundle)
    assert [before.contents[name] == after.contents[name] for name in (MODEL, PROOF)] == [True, True]
    for again in (on_a_gpu(*run, "--engine"), trunnion(*run)):
        assert "pack: as it was, nothing changed" in again.out
        assert "builds" not in again.out
    assert attached(copied.bundle) == ["Orin"]


def test_ctrl_c_while_an_engine_is_built_names_the_stage_and_leaves_the_bundle_as_it_was(
    copied, on_a_gpu, start, monkeypatch
):
    before = copied.bundle.read_bytes()
    monkeypatch.setenv("BUILD_S", "60")
    command = start(
        ON_A_GPU, "run", copied.usecase, "--runs", copied.runs, "--engine", program=sys.executable
    )
    command.wait_for("builds the engine")
    answer = command.interrupt()
    assert answer.code == 130, answer
    assert answer.err.strip().endswith("stopped at engine; the same command goes on from here")
    assert "Traceback" not in answer.err
    assert copied.bundle.read_bytes() == before
    assert not copied.folder.joinpath("engine.json").exists()


def test_another_gpu_is_another_engine(copied, on_a_gpu, monkeypatch):
    export = ("export", copied.usecase, "--runs", copied.runs, "--engine")
    on_a_gpu(*export)
    monkeypatch.setenv("GPU", "Thor")
    second = on_a_gpu(*export)
    assert "engine (changed: this device)" in second.out
    assert "builds the engine" in second.out
    assert "engine" in second.out.splitlines()[-1]
