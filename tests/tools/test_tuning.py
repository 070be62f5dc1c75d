"""`trunnion tune`, with trials that are over at once: checks, resuming, the report, and the use case that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from tests.training.shapes import CLASSES, PROVENANCE, yolo_folder

from trunnion.pipeline import Run
from trunnion.record import read_record
from trunnion.stopped import Stopped
from trunnion.tracking.outbox import Outbox
from trunnion.tracking.tracker import JournalTracker
from trunnion.tuning.checks import epochs_max, given_stages, room, searched, tuning_of
from trunnion.tuning.memory import Memory
from trunnion.tuning.tracked import Tracked
from trunnion.tuning.tuning import Asked, tune
from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.usecase import UseCase, load_usecase
from trunnion_training.cluster import search as search_module
from trunnion_training.cluster.room import Room
from trunnion_training.tuning.book import Book, Outcome
from trunnion_training.tuning.trials import TrialRecord, Trials

USECASES = Path(__file__).parents[2] / "training" / "usecases"
RATE = {"models.detector.learning_rate": {"log_uniform": [0.0001, 0.01]}}
Load = Callable[..., UseCase]
Tune = Callable[..., int]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled pictures, and room for runs whose dataset is built once."""
    root = tmp_path_factory.mktemp("tuning")
    yolo_folder(root / "shapes", 8)
    return root


@pytest.fixture
def load(folder: Path) -> Load:
    """A use case of that folder; sections of its own, and of `tuning`."""

    def load(models: dict[str, Any] | None = None, section: bool = True, **tuning: Any) -> UseCase:
        document = {
            "schema": 1, "name": "shapes", "version": "0.1.0", "problem": "Find shapes.",
            "classes": list(CLASSES),
            "data": {
                "sources": [{"kind": "yolo", "path": "shapes", "provenance": dict(PROVENANCE)}],
                "split": {"train": 0.5, "val": 0.25, "test": 0.25},
            },
            "models": models or {"detector": {"base": "yolo26n.yaml", "epochs": 2}},
        }  # fmt: skip
        document |= {"tuning": {"space": RATE, "trials": 3, **tuning}} if section else {}
        file = folder / "shapes.yaml"
        file.write_text(yaml.safe_dump(document))
        return load_usecase(file)

    return load


@pytest.fixture
def tuned(folder: Path, load: Load, monkeypatch: pytest.MonkeyPatch) -> Tune:
    """Tunes, with trials that are at once what `outcome` says of their values."""
    monkeypatch.setenv("TRUNNION_TRACKING", "off")

    def tuned(outcome: Callable[[TrialRecord], Outcome], fresh: bool = False, **section: Any) -> int:
        def search(tuning: Any, book: Book, attempt: Any, *others: Any, **more: Any) -> None:
            while (number := book.next()) is not None:
                book.ended(number, outcome(attempt.trials.read(number)))

        monkeypatch.setattr(search_module, "search", search)
        usecase = load(**section)
        asked = Asked(fresh=fresh)
        return int(tune(Console(quiet=True), usecase, "shapes.yaml", folder / "runs", asked))

    return tuned


def good(trial: TrialRecord) -> Outcome:
    return Outcome({"accuracy": 0.5 + 0.1 * trial.number, "latency": 10.0 - trial.number})


def trials_in(folder: Path) -> list[TrialRecord]:
    return Trials(folder / "runs" / "shapes" / "tune" / "trials").all()


def test_the_chosen_trial_is_a_use_case_that_every_command_takes(folder: Path, tuned: Tune) -> None:
    assert tuned(good, fresh=True) == 0
    place = folder / "runs" / "shapes" / "tune"
    chosen = load_usecase(place / "chosen.yaml")
    assert chosen.models.detector is not None
    assert (
        chosen.models.detector.learning_rate == trials_in(folder)[2].values["models.detector.learning_rate"]
    )
    assert chosen.tuning is None
    assert (chosen.models.detector.base, chosen.models.detector.epochs) == ("yolo26n.yaml", 2)
    assert "Trial 2" in (place / "tuning.html").read_text()


def test_a_search_that_was_stopped_goes_on_and_no_trial_counts_twice(folder: Path, tuned: Tune) -> None:
    def stopped_at_the_second(trial: TrialRecord) -> Outcome:
        if trial.number == 1:
            raise KeyboardInterrupt
        return good(trial)

    with pytest.raises(Stopped, match="tuning"):
        tuned(stopped_at_the_second, fresh=True)
    before = trials_in(folder)
    assert [trial.state for trial in before] == ["complete", "running"]
    seen: list[int] = []
    tuned(lambda trial: seen.append(trial.number) or good(trial))
    assert seen == [1, 2]
    assert [trial.values for trial in trials_in(folder)][:2] == [trial.values for trial in before]
    tuned(good, trials=4)
    assert [trial.number for trial in trials_in(folder)] == [0, 1, 2, 3]


def test_another_space_is_refused_until_the_trials_are_put_aside(folder: Path, tuned: Tune) -> None:
    tuned(good, fresh=True)
    other = {"models.detector.batch": {"choice": [4, 8]}}
    with pytest.raises(BadInput, match=r"changed: tuning\.space.*add --fresh"):
        tuned(good, space=other, trials=2)
    assert len(trials_in(folder)) == 3
    assert tuned(good, fresh=True, space=other, trials=2) == 0
    assert len(trials_in(folder)) == 2
    aside = max((folder / "runs" / "shapes").glob("tune.before-*"), key=lambda path: path.stat().st_ctime_ns)
    assert len(Trials(aside / "trials").all()) == 3


def test_limits_that_no_trial_keeps_are_a_failed_gate_with_a_use_case_all_the_same(
    folder: Path, tuned: Tune
) -> None:
    assert tuned(good, fresh=True, choose={"latency_max_ms": 1}) == 1
    assert (folder / "runs" / "shapes" / "tune" / "chosen.yaml").is_file()


def test_where_no_trial_is_complete_the_first_failure_is_named_and_the_report_is_there(
    folder: Path, tuned: Tune
) -> None:
    with pytest.raises(GatesFailed, match=r"no complete trial among 3; trial 0 failed: no memory"):
        tuned(lambda trial: Outcome(why="no memory"), fresh=True)
    assert "failed: no memory" in (folder / "runs" / "shapes" / "tune" / "tuning.html").read_text()


POLICY = {"env": "Pendulum-v1", "env_package": "gymnasium", "demonstrations": 1, "epochs": 1}
BOTH = {"detector": {"base": "yolo26n.yaml", "epochs": 2}, "policy": POLICY}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"section": False}, "got no section `tuning`"),
        ({"objectives": ["success"]}, "got success without a simulation"),
        ({"models": {"policy": POLICY}}, r"got accuracy without models\.detector"),
        ({"space": {"models.detector.learning_rte": {"choice": [0.1]}}}, "did you mean 'learning_rate'"),
        (
            {"space": {"models.detector.batch": {"choice": [4, 0]}}},
            "got 0, wanted greater than or equal to 1",
        ),
        ({"space": {"models.detector.batch": {"uniform": [1.5, 4.0]}}}, "got 1.5, wanted a valid integer"),
        ({"space": {"models.detector.base": {"choice": ["no.pt"]}}}, "no.pt, which does not exist"),
        ({"space": {"models.policy.epochs": {"choice": [1]}}}, "got no models.policy"),
        ({"models": BOTH, "space": {"models.policy.epochs": {"choice": [1]}}}, "no objective that depends"),
        (
            {"models": BOTH, "objectives": ["success"], "proof": {"suite": "smoke"}},
            "got smoke without a section `cell`",
        ),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_is_trained(
    load: Load, section: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        tuning_of(load(**section), "shapes.yaml")


def test_the_command_says_what_is_missing_in_four_lines_and_exits_with_2(
    trunnion: Any, folder: Path, load: Load
) -> None:
    load(section=False)
    answer = trunnion("tune", folder / "shapes.yaml")
    assert answer.returncode == 2
    assert [line.split()[0] for line in answer.stderr.splitlines()[1:]] == ["got:", "wanted:", "next:"]


def test_the_section_of_the_shipped_example_can_be_searched() -> None:
    usecase = load_usecase(USECASES / "sorting_cell.yaml")
    assert tuning_of(usecase, "sorting_cell.yaml").objectives == ("accuracy", "latency")
    assert given_stages(searched(usecase)) == ("data",)


def test_a_model_that_no_objective_is_about_is_left_out_and_one_that_is_not_searched_is_made_once(
    load: Load,
) -> None:
    fast = searched(load(models=BOTH))
    assert fast.models.policy is None
    assert given_stages(fast) == ("data",)
    whole = searched(load(models=BOTH, objectives=["accuracy", "success"]))
    assert given_stages(whole) == ("data", "train.policy")


def test_a_trial_whose_workers_are_several_holds_nothing_itself(load: Load) -> None:
    epochs = {"models.detector.epochs": {"uniform": [2, 9]}}
    usecase = load(space=epochs, cores=2)
    assert (room(usecase), epochs_max(usecase)) == (Room(held=2, used=2), 9)
    several = {"detector": {"base": "yolo26n.yaml", "epochs": 2, "workers": {"count": 2, "cores": 3}}}
    assert room(load(models=several)) == Room(held=0, used=6)


class NobodySends:
    """In place of the process that delivers."""

    def go(self) -> None: ...


def test_each_trial_is_a_run_of_its_own_under_that_of_the_search(
    tmp_path: Path, folder: Path, tuned: Tune, load: Load
) -> None:
    tuned(good, fresh=True)
    usecase, outbox = load(), Outbox(tmp_path)
    run = Run(usecase, folder / "runs" / "shapes")
    about = read_record(run.record("data"))
    assert about is not None
    search = Memory(tmp_path / "tune").take_up({"data": about.digest()}, fresh=False)
    assert usecase.tuning is not None
    tracked = Tracked(JournalTracker(outbox, NobodySends()), run, search, usecase.tuning, ("data",))
    tracked.began()
    for trial in trials_in(folder):
        tracked.told(trial.model_copy(update={"state": "running"}))
        tracked.told(trial)
    kept = {one.stage: one for one in outbox.pending()}
    whole = kept.pop("tune")
    assert whole.parents == {"data": about.run_id}
    assert sorted(kept) == ["tune.0000", "tune.0001", "tune.0002"]
    assert {one.parents["tune"] for one in kept.values()} == {whole.run_id}
    assert {one.status for one in kept.values()} == {"FINISHED"}
    assert kept["tune.0001"].metrics.keys() == {"seconds", "accuracy", "latency"}
    assert kept["tune.0001"].params.keys() == RATE.keys()
