"""A search on a cluster of four machines that loses one, and whole trials: trained, exported, measured, chosen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from rich.console import Console
from tests.training.cluster.simulated import NODES
from tests.training.shapes import CLASSES, PROVENANCE, yolo_folder

from trunnion.tuning.tuning import Asked, tune
from trunnion_contract.errors import BadInput
from trunnion_contract.tuning import Tuning
from trunnion_contract.usecase import load_usecase
from trunnion_training.cluster.room import Room
from trunnion_training.cluster.search import Report, search
from trunnion_training.tuning.book import Book
from trunnion_training.tuning.trials import ACCURACY, TrialRecord, Trials

EPOCHS, DEVICE = 4, "bench_device"
RATE = {"models.detector.learning_rate": {"log_uniform": [0.0001, 0.01]}}
CORE = Room(held=1, used=1)


@pytest.fixture
def four_machines(on_cluster: Any) -> Iterator[Any]:
    """Those of this folder, one of which is a target; workers do not find the modules of tests."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    on_cluster.remove_node(next(iter(on_cluster.worker_nodes)))
    target = on_cluster.add_node(num_cpus=1, resources={DEVICE: 1}, **on_cluster.shared)
    yield on_cluster
    if target in on_cluster.worker_nodes:
        on_cluster.remove_node(target)
    while len(on_cluster.worker_nodes) < NODES:
        on_cluster.add_node(num_cpus=1, **on_cluster.shared)


@dataclass(frozen=True)
class Counting:
    """Learns by writing down that it did, and where; goes on after the last line."""

    trials: Trials
    killed: Path

    def __call__(self, number: int, report: Report) -> dict[str, float]:
        import ray

        log, machine = log_of(self.trials, number), ray.get_runtime_context().get_node_id()
        for epoch in range(1, EPOCHS + 1):
            if epoch > len(log.read_text().splitlines() if log.exists() else []):
                time.sleep(0.2)
                with log.open("a") as file:
                    file.write(f"{epoch} {machine}\n")
            while not self.killed.exists():
                time.sleep(0.05)
            report({"epoch": epoch, ACCURACY: epoch / 10})
        if number == 5:
            raise ValueError("what would fail again")
        return {"accuracy": 0.1 * number, "latency": float(number)}


def log_of(trials: Trials, number: int) -> Path:
    return trials.place(number) / "epochs.log"


def test_a_search_on_four_machines_that_loses_one_counts_every_trial_once(
    four_machines: Any, tmp_path: Path
) -> None:
    tuning = Tuning.model_validate({"space": RATE, "trials": 6, "at_a_time": 4, "stop": None})
    trials, told, killed = Trials(tmp_path / "trials"), list[TrialRecord](), tmp_path / "killed"

    def kill_in_the_middle() -> None:
        while not all(log_of(trials, number).exists() for number in range(4)):
            time.sleep(0.05)
        # Another one cannot take its place from this thread, and is not needed.
        four_machines.remove_node(next(iter(four_machines.worker_nodes)), allow_graceful=False)
        killed.touch()

    killer = Thread(target=kill_in_the_middle)
    killer.start()
    search(
        tuning, Book(tuning, trials), Counting(trials, killed), tmp_path, told.append, room=CORE, epochs_max=EPOCHS
    )  # fmt: skip
    killer.join()
    found = trials.all()
    assert [trial.state for trial in found] == ["complete"] * 5 + ["failed"]
    assert [trial.figures["latency"] for trial in found[:5]] == [0, 1, 2, 3, 4]
    assert found[5].why == "ValueError: what would fail again"
    assert {trial.accuracy_by_epoch for trial in found} == {(0.1, 0.2, 0.3, 0.4)}
    assert sorted(trial.number for trial in told if trial.state != "running") == [0, 1, 2, 3, 4, 5]
    logs = [[line.split() for line in log_of(trials, n).read_text().splitlines()] for n in range(6)]
    # What was whole was not learnt again, and the trial of the lost machine went on with another.
    assert [[epoch for epoch, _ in lines] for lines in logs] == [["1", "2", "3", "4"]] * 6
    assert [len({machine for _, machine in lines}) for lines in logs].count(2) == 1


def usecase_file(folder: Path, detector: dict[str, Any] | None = None, **tuning: Any) -> Path:
    yolo_folder(folder / "shapes", 24)
    learning = {"image_size_px": 64, "epochs": 2, "batch": 6}
    document = {
        "schema": 1, "name": "shapes", "version": "0.1.0", "problem": "Find shapes.", "classes": list(CLASSES),
        "data": {
            "sources": [{"kind": "yolo", "path": "shapes", "provenance": dict(PROVENANCE)}],
            "split": {"train": 0.5, "val": 0.25, "test": 0.25},
        },
        "models": {"detector": {"base": "yolo26n.yaml", **learning, **(detector or {})}},
        "tuning": {
            "space": RATE | {"models.detector.base": {"choice": ["torchvision:ssdlite320_mobilenet_v3_large"]}},
            "trials": 2, "stop": None, **tuning,
        },
    }  # fmt: skip
    file = folder / "shapes.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def test_a_detector_that_several_workers_learnt_is_measured_on_the_machine_that_is_the_target(
    four_machines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUNNION_TRACKING", "off")
    section = {"trials": 1, "latency": {"target": DEVICE, "runs": 5}}
    usecase = load_usecase(usecase_file(tmp_path, {"workers": {"count": 2}}, **section))
    assert tune(Console(quiet=True), usecase, "shapes.yaml", tmp_path / "runs", Asked()) == 0
    [trial] = Trials(tmp_path / "runs" / "shapes" / "tune" / "trials").all()
    assert (trial.state, len(trial.accuracy_by_epoch)) == ("complete", 2), trial.why
    assert trial.figures["latency"] > 0


def test_a_target_that_no_machine_is_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    tuning = Tuning.model_validate({"space": RATE, "latency": {"target": "jetson"}})
    trials = Trials(tmp_path)
    with pytest.raises(BadInput, match=r"got jetson, which no machine of the cluster offers"):
        search(
            tuning,
            Book(tuning, trials),
            Counting(trials, tmp_path),
            tmp_path,
            print,
            room=CORE,
            epochs_max=1,
        )
    assert trials.all() == []


def test_the_command_goes_on_after_a_kill_and_leaves_what_train_takes(tmp_path: Path) -> None:
    file, trunnion = usecase_file(tmp_path), Path(sys.executable).with_name("trunnion")
    environment = {**os.environ, "TRUNNION_TRACKING": "off", "COLUMNS": "200"}
    first = tmp_path / "runs" / "shapes" / "tune" / "trials" / "0000" / "trial.json"
    with subprocess.Popen([trunnion, "tune", file], cwd=tmp_path, env=environment) as killed:
        while killed.poll() is None and not (first.exists() and '"complete"' in first.read_text()):
            time.sleep(0.2)
        killed.kill()
    before = json.loads(first.read_text())
    again = subprocess.run(
        [trunnion, "tune", file], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert "(2 trials, 1 of them done before" in again.stdout
    assert json.loads(first.read_text()) == before
    chosen = tmp_path / "runs" / "shapes" / "tune" / "chosen.yaml"
    trained = subprocess.run([trunnion, "train", chosen], cwd=tmp_path, env=environment, check=False)
    assert trained.returncode == 0
