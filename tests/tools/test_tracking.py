"""Every stage is one run of MLflow, whatever happens to the flow, to the sender or to the server."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from trunnion.pipeline import Run, run_stages
from trunnion.record import read_record
from trunnion.stopped import Stopped
from trunnion.tracking.facts import artifacts_of
from trunnion.tracking.sender import deliver
from trunnion.tracking.store import STAGE_RUN, Store, outbox_of, store_of
from trunnion.tracking.tracker import JournalTracker
from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase

STAGES = ["data", "train", "export"]


class NobodySends:
    """In place of the process that delivers: these tests deliver themselves."""

    def go(self) -> None: ...


class Tracked:
    """The small flow with a journal, and a store to send it to."""

    def __init__(self, small_flow: ModuleType, runs: Path, store: Store) -> None:
        self.small, self.runs, self.store = small_flow, runs, store
        self.tracker = JournalTracker(outbox_of(runs), NobodySends())

    def flow(self, problem: str = "count", stages=None) -> None:
        run = Run(self.small.small_usecase(problem), self.runs / "small")
        run_stages(run, stages or self.small.small_stages(), "export", self.small.Said(), self.tracker)

    def deliver(self, store: Store | None = None):
        return deliver(self.tracker.outbox, store or self.store)

    def found(self, store: Store | None = None) -> list:
        """What the store has of this folder of runs, in the order in which it began."""
        client = (store or self.store).client
        experiment = client.get_experiment_by_name("small").experiment_id
        runs = client.search_runs([experiment], order_by=["attributes.start_time ASC"])
        here = self.names()
        return sorted((run for run in runs if run.data.tags[STAGE_RUN] in here), key=_place)

    def names(self) -> set[str]:
        records = [read_record(path) for path in self.runs.glob("small/*.json")]
        waiting = {run.run_id for run in self.tracker.outbox.pending()}
        return waiting | {record.run_id for record in records if record}


def _place(run) -> int:
    return STAGES.index(run.info.run_name)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    return Store(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")


@pytest.fixture
def tracked(small_flow, tmp_path, store) -> Tracked:
    return Tracked(small_flow, tmp_path / "runs", store)


def test_every_stage_is_a_run_that_says_whence_it_comes(tracked):
    tracked.flow()
    assert tracked.deliver().sent == len(STAGES)
    runs = tracked.found()
    assert [(run.info.run_name, run.info.status) for run in runs] == [(name, "FINISHED") for name in STAGES]
    data, train, export = runs
    assert (train.data.tags["mlflow.parentRunId"], export.data.tags["trunnion.parent.train"]) == (
        data.info.run_id,
        train.info.run_id,
    )
    assert {"trunnion.commit", "trunnion.lock_digest", "trunnion.usecase_digest"} <= data.data.tags.keys()
    assert data.data.params["version"] == "0.1.0"
    assert data.data.metrics["files"] == tracked.small.ITEMS


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"personal_data": "none"}, {"dataset.json", "contact_sheet.jpg", "quality.html"}),
        ({"personal_data": "incidental"}, {"dataset.json"}),
        ({"personal_data": "none", "retention_days": 30}, {"dataset.json"}),
    ],
)
def test_pictures_of_data_that_may_have_to_be_deleted_stay_where_they_can_be(tracked, tmp_path, said, shown):
    source = {"kind": "yolo", "path": str(tmp_path), "provenance": {"origin": "us", "licence": "MIT", **said}}
    document = tracked.small.small_usecase().model_dump(mode="json", by_alias=True)
    document |= {"data": {"sources": [source], "split": {"train": 0.8, "val": 0.1, "test": 0.1}}}
    run = Run(parse(UseCase, document, "small"), tracked.runs / "small")
    run.stage("data").mkdir(parents=True)
    for name in ("dataset.json", "contact_sheet.jpg", "quality.html"):
        (run.stage("data") / name).write_text("{}")
    assert {path.name for path in artifacts_of(run, "data")} == shown
    run.stage("train.detector").mkdir()
    for name in ("detector_metrics.json", "augmentation.html"):
        (run.stage("train.detector") / name).write_text("{}")
    learnt = {path.name for path in artifacts_of(run, "train.detector")}
    assert ("augmentation.html" in learnt) == ("quality.html" in shown)
    assert "detector_metrics.json" in learnt


def test_a_stage_that_is_skipped_is_no_new_run(tracked):
    tracked.flow()
    tracked.flow()
    assert tracked.deliver().sent == len(STAGES)
    tracked.flow()
    assert tracked.deliver().sent == 0


def test_a_stage_that_goes_on_is_the_same_run_and_one_made_again_is_another(tracked, monkeypatch):
    data, *rest = tracked.small.small_stages()
    stops = [True]

    def make(run, out_dir, progress):
        (out_dir / "item_0.txt").write_text("left")
        if stops.pop():
            raise KeyboardInterrupt
        data.make(run, out_dir, progress)

    stages = (type(data)(data.name, data.after, data.applies, data.inputs, make), *rest)
    with pytest.raises(Stopped):
        tracked.flow(stages=stages)
    tracked.deliver()
    stopped = tracked.store.client.search_runs([tracked.store._experiment("small")], max_results=1)[0]
    assert (stopped.info.run_name, stopped.info.status) == ("data", "KILLED")
    stops.append(False)
    tracked.flow(stages=stages)
    tracked.deliver()
    first = tracked.found()[0]
    assert (first.info.run_id, first.info.status) == (stopped.info.run_id, "FINISHED")
    tracked.flow("sort")
    tracked.deliver()
    assert tracked.found()[0].info.run_id != first.info.run_id


def test_a_stage_that_fails_says_why(tracked):
    data, *_ = tracked.small.small_stages()

    def make(run, out_dir, progress):
        raise BadInput(where="labels", got="none", wanted="some", next_step="label")

    with pytest.raises(BadInput):
        tracked.flow(stages=(type(data)("export", (), data.applies, data.inputs, make),))
    (kept,) = tracked.tracker.outbox.pending()
    assert kept.status == "FAILED"
    assert "labels: got none" in kept.tags["trunnion.error"]


def test_what_was_sent_and_not_yet_forgotten_is_sent_again_without_a_second_run(tracked):
    tracked.flow()
    for run in tracked.tracker.outbox.pending():
        tracked.store.send(run, tracked.tracker.outbox)
    assert tracked.deliver().sent == len(STAGES)
    assert len(tracked.found()) == len(STAGES)


def test_a_journal_that_cannot_be_written_ends_no_flow(tracked):
    tracked.runs.mkdir()
    (tracked.runs / ".tracking").write_text("in the way")
    tracked.flow()
    assert (tracked.runs / "small" / "export" / "result.txt").is_file()
    assert len(tracked.tracker.troubles) == 2 * len(STAGES)


def test_a_server_that_is_away_gets_everything_once_when_it_is_back(tracked, tmp_path, free_port):
    from_tests = importlib.util.spec_from_file_location("s", Path(__file__).with_name("mlflow_server.py"))
    server = importlib.util.module_from_spec(from_tests)
    from_tests.loader.exec_module(server)
    with server.mlflow_server(tmp_path, free_port) as uri:
        tracked.flow()
        there = Store(uri, tmp_path / "unused")
        assert vars(tracked.deliver(there)) == {"sent": 3, "kept": 0, "why": ""}
    tracked.flow("sort")
    away = tracked.deliver(there)
    assert (away.sent, away.kept) == (0, 3)
    assert "no answer" in away.why
    with server.mlflow_server(tmp_path, free_port):
        assert tracked.deliver(there).sent == 3
        runs = there.client.search_runs([there.client.get_experiment_by_name("small").experiment_id])
        assert sorted(run.info.run_name for run in runs) == sorted(2 * STAGES)
        assert {run.info.status for run in runs} == {"FINISHED"}


def test_sync_says_what_still_waits(tracked, trunnion, free_port):
    tracked.flow()
    answer = trunnion(
        "runs", "sync", "--runs", tracked.runs, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port}"
    )
    assert answer.returncode == 3
    assert "the 3 that wait" in answer.stderr
    assert len(tracked.tracker.outbox.pending()) == 3


def test_a_store_of_an_unknown_kind_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "ftp://somewhere")
    with pytest.raises(BadInput, match="MLFLOW_TRACKING_URI: got ftp://somewhere"):
        store_of(tmp_path)
