"""A search on models with a known weakness, and the machinery around it on models that can do nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from trunnion_contract.bundle import MODEL
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import DetectorModel, ModelManifest, PolicyModel, PolicySpec
from trunnion_contract.progress import Silent
from trunnion_contract.strict import parse
from trunnion_contract.tensor import TensorSpec
from trunnion_contract.usecase import UseCase
from trunnion_edge.camera import PinholeCamera
from trunnion_edge.decode import Detections
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.env import SortingCellEnv
from trunnion_sim.episode import EpisodeResult, play
from trunnion_sim.expert import expert_action
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.parts import KINDS
from trunnion_sim.scenarios import Scenario, read_suite
from trunnion_sim.stress import JOURNAL, Plan, plan_of, search, stress, verdict
from trunnion_sim.stress_space import StressSpace
from trunnion_sim.worst_case import Trial

DARK_BELOW = 0.55
ENTRIES = ("gripper_base_m", "opening_m", "grasped", "target_base_m", "place_base_m")


def _space(trials: int, search: dict[str, Any], episodes: int = 2) -> StressSpace:
    document = {
        "schema": 1,
        "name": "tiny",
        "version": "1.0.0",
        "trials": trials,
        "episodes": episodes,
        "confirm_episodes": 3,
    }
    return parse(StressSpace, {**document, "search": search}, "space.yaml")


class Expert:
    """The scripted expert in the place of a network."""

    def forget(self) -> None:
        pass

    def act(self, observation: dict[str, Any]) -> dict[str, np.ndarray]:
        action = expert_action(np.concatenate([np.atleast_1d(observation[name]) for name in ENTRIES]))
        return {"velocity_base_mps": action[:3], "opening_m": action[3:]}


class BlindInTheDark:
    """Finds every part, but nothing in a picture that is darker than in `DARK_BELOW` of the nominal light."""

    labels = tuple(KINDS)

    def __init__(self, cell: SimulatedCell) -> None:
        self._cell = cell
        cell.reset([])
        self._dark = DARK_BELOW * cell.render().mean()

    def detect(self, image_bgr: np.ndarray) -> Detections:
        parts = self._cell.parts if image_bgr.mean() > self._dark else []
        centres = PinholeCamera.from_layout(SORTING_CELL.camera).project(
            np.array([part.position_base_m() for part in parts])
        )
        boxes = np.hstack([centres - 8, centres + 8]).astype(np.float32)
        ids = np.array([self.labels.index(part.kind.label) for part in parts], np.int64)
        return Detections(boxes, np.ones(len(parts), np.float32), ids)


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    """A search in which light is what counts and noise is not."""
    space = _space(12, {"light": {"uniform": [0.2, 1.4]}, "noise": {"uniform": [0, 10]}}, episodes=1)
    heard: list[Trial] = []
    with SimulatedCell() as cell:
        detector = BlindInTheDark(cell)

        def played(scenario: Scenario) -> list[EpisodeResult]:
            return [play(cell, detector, Expert(), scenario, seed) for seed in scenario.seeds]  # type: ignore[arg-type]

        worst = search(space, played, heard.append)
    return [worst, *heard]


def test_the_search_finds_the_weakness_of_a_model(trials: list[Trial]) -> None:
    worst, *heard = trials
    assert len(heard) == 12
    assert worst.successes == 0
    assert worst.scenario.light < DARK_BELOW + 0.05
    assert "in the tray" in worst.episodes[0].reason
    assert any(trial.successes for trial in heard), "and it saw that the model can do it in the light"


def test_of_what_fails_alike_the_mildest_is_told(trials: list[Trial]) -> None:
    worst, *heard = trials
    failed = [trial for trial in heard if not trial.successes]
    assert len(failed) > 1
    assert worst.severity == min(trial.severity for trial in failed)


def test_the_search_leans_to_where_it_is_worst_once_it_has_seen_some(trials: list[Trial]) -> None:
    _, *heard = trials
    assert not any(trial.successes for trial in heard[10:])


@pytest.fixture(scope="module")
def run_dir(
    tmp_path_factory: pytest.TempPathFactory, constant_detector: Callable[..., bytes], steering_policy: bytes
) -> Path:
    """A run whose detector sees nothing in the tray."""
    folder = tmp_path_factory.mktemp("stress") / "run"
    usecase = _usecase()
    networks = {
        "detector.onnx": constant_detector([[54, 26, 62, 34, 0.9, 0]]),
        "policy.onnx": steering_policy,
    }
    write_json(folder / "usecase.json", usecase.model_dump(mode="json", by_alias=True))
    for name, data in networks.items():
        (folder / "export").mkdir(exist_ok=True)
        (folder / "export" / name).write_bytes(data)
    write_json(folder / "export" / MODEL, _manifest(usecase, networks).model_dump(mode="json", by_alias=True))
    return folder


def _usecase() -> UseCase:
    provenance = {"origin": "o", "licence": "MIT", "personal_data": "none"}
    policy = {
        "env": "trunnion/SortingCell-v0",
        "env_package": "trunnion_sim",
        "demonstrations": 1,
        "epochs": 1,
    }
    document = {
        "schema": 1,
        "name": "cell",
        "version": "0.1.0",
        "problem": "Sort.",
        "classes": ["gear", "bolt", "nut"],
        "data": {
            "sources": [{"kind": "yolo", "path": ".", "provenance": provenance}],
            "split": {"train": 0.5, "val": 0.25, "test": 0.25},
        },
        "models": {"detector": {"base": "x.pt", "epochs": 1}, "policy": policy},
        "cell": SORTING_CELL.model_dump(mode="json"),
    }
    return UseCase.model_validate(document)


def _manifest(usecase: UseCase, networks: dict[str, bytes]) -> ModelManifest:
    env = SortingCellEnv()
    env.close()
    detector = DetectorModel(
        file="detector.onnx",
        sha256=digest_bytes(networks["detector.onnx"]),
        parity=(),
        spec=DetectorSpec(
            input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 64, 64)),
            output=TensorSpec(name="output0", dtype="float32", shape=(1, 1, 6)),
            image_size_px=64,
            labels=usecase.classes,
            confidence_threshold=0.5,
        ),
    )
    spec = PolicySpec(
        input=TensorSpec(name="observation", dtype="float32", shape=("N", 11)),
        output=TensorSpec(name="action", dtype="float32", shape=("N", 4)),
        observation=env.observation_entries,
        action=env.action_entries,
        rate_hz=20,
    )
    policy = PolicyModel(
        file="policy.onnx", sha256=digest_bytes(networks["policy.onnx"]), parity=(), spec=spec
    )
    return ModelManifest(
        name=usecase.name,
        version=usecase.version,
        problem=usecase.problem,
        usecase_digest=usecase.digest(),
        dataset_digest=digest_bytes(b"dataset"),
        detector=detector,
        policy=policy,
        cell=usecase.cell,
        made_with={},
        licences={},
    )


DIM = {"light": {"uniform": [0.5, 1.0]}, "latency_ms": {"uniform": [0, 50]}}


@pytest.fixture(scope="module")
def found(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trial, Path]:
    out_dir = tmp_path_factory.mktemp("found")
    worst, file = stress(Plan(run_dir, _space(4, DIM), out_dir, workers=2), Silent())
    assert file is not None
    return worst, file


def test_what_is_found_is_a_suite_that_says_where_it_comes_from(found: tuple[Trial, Path]) -> None:
    worst, file = found
    (scenario,) = read_suite(file).scenarios
    assert scenario == worst.scenario.model_copy(update={"episodes": 2 + 3})
    text = file.read_text()
    assert f"0 of 2 in trial {worst.number}" in text
    assert "With the 3 seeds after those: 0 of 3 (95 %: 0.00 to 0.56)" in text
    assert [line[:12] for line in text.splitlines() if line.startswith("#   3")] == [
        f"#   {seed}: " for seed in scenario.seeds
    ]
    assert "0 of 3" in verdict(worst, file)


def test_the_worst_case_plays_the_same_again(
    found: tuple[Trial, Path], run_dir: Path, tmp_path: Path
) -> None:
    worst, _ = found
    again, _ = stress(Plan(run_dir, _space(4, DIM), tmp_path, workers=1), Silent())
    assert again == worst


def test_the_same_search_again_plays_nothing_and_adds_no_second_file(
    found: tuple[Trial, Path], run_dir: Path
) -> None:
    worst, file = found
    before = (file.parent / JOURNAL).read_bytes()
    assert stress(Plan(run_dir, _space(4, DIM), file.parent, workers=1), Silent()) == (worst, file)
    assert (file.parent / JOURNAL).read_bytes() == before
    assert list(file.parent.glob("*.yaml")) == [file]


def test_more_trials_go_on_from_those_that_were_made(found: tuple[Trial, Path], run_dir: Path) -> None:
    worst, first = found
    journal = first.parent / JOURNAL
    before = journal.read_bytes()
    more, second = stress(Plan(run_dir, _space(5, DIM), first.parent, workers=1), Silent())
    assert journal.read_bytes().startswith(before)
    assert len(journal.read_bytes().splitlines()) == 1 + 5 * 2 + 2 * 3, (
        "two worst cases were played with other seeds"
    )
    assert second is not None
    assert second != first, "and the file that was found before stays"
    assert first.is_file()
    assert more.score <= worst.score


def test_a_file_that_stands_already_is_not_overwritten(run_dir: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("keep me")
    with pytest.raises(BadInput, match="stands already"):
        stress(Plan(run_dir, _space(2, DIM), tmp_path, suite_file=mine), Silent())
    assert mine.read_text() == "keep me"


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"usecase\.json"):
        stress(plan_of(tmp_path), Silent())


@pytest.mark.parametrize("trials", [0, -3])
def test_a_search_of_no_trials_is_refused(trials: int, run_dir: Path) -> None:
    with pytest.raises(BadInput, match="trials"):
        plan_of(run_dir, trials=trials)


def test_a_search_that_is_killed_goes_on_to_the_same_end(run_dir: Path, tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text(yaml.safe_dump(_space(6, DIM).model_dump(mode="json", by_alias=True)))
    journal = run_dir / "stress" / JOURNAL
    command = [sys.executable, "-m", "trunnion_sim.stress", run_dir, "--space", space, "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not (journal.exists() and journal.read_bytes().count(b"\n") > 4):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    kept = journal.read_bytes().splitlines(keepends=True)
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = journal.read_bytes().splitlines(keepends=True)
    assert lines[: len(kept) - 1] == kept[:-1], "what was played is not played again"
    assert len({json.loads(line).get("key") for line in lines}) == len(lines) == 1 + 6 * 2 + 3
    unbroken, _ = stress(Plan(run_dir, _space(6, DIM), tmp_path / "unbroken", workers=2), Silent())
    assert f"{unbroken.summary}; with other seeds {unbroken.rate}" in ended.stdout
    (suite,) = (run_dir / "stress").glob("*.yaml")
    assert read_suite(suite).scenario(unbroken.scenario.name).light == unbroken.scenario.light
