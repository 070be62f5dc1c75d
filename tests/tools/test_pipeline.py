"""The flow does what is needed, once, and never again for the same inputs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from trunnion.exclusive import only_one
from trunnion.pipeline import Run, Stage, run_stages, stands
from trunnion.record import outputs_of
from trunnion.stopped import Stopped
from trunnion_contract.errors import BadInput


@pytest.fixture
def flow(small_flow, tmp_path):
    """Runs the small flow in `tmp_path` and gives back what was said."""

    def run(problem: str = "count", until: str = "export", stages=None) -> list[str]:
        said = small_flow.Said()
        chosen = stages or small_flow.small_stages()
        run_stages(Run(small_flow.small_usecase(problem), tmp_path), chosen, until, said)
        return said.lines

    return run


REUSED = ["data: reused", "train: reused", "export: reused"]


def test_every_stage_is_done_once(flow):
    assert [line for line in flow() if "first time" in line] == [
        "data: first time",
        "train: first time",
        "export: first time",
    ]
    assert flow() == REUSED


def test_until_stops_after_that_stage(flow, tmp_path):
    flow(until="train")
    assert (tmp_path / "train").is_dir()
    assert not (tmp_path / "export").exists()


def test_a_changed_input_is_named_and_redoes_what_follows(flow):
    flow()
    assert flow("sort") == [
        "data: changed: problem", "data: ended", "train: changed: data", "train: ended",
        "export: changed: train", "export: ended",
    ]  # fmt: skip


def test_going_back_gives_the_same_bytes(flow, tmp_path):
    flow()
    first = outputs_of(tmp_path / "export")
    flow("sort")
    assert outputs_of(tmp_path / "export") != first
    flow("count")
    assert outputs_of(tmp_path / "export") == first


@pytest.mark.parametrize(
    "harm", ["changed", "missing", "added", "folder gone", "record gone", "record damaged"]
)
def test_harmed_outputs_are_made_again_and_what_follows_stands(flow, tmp_path, harm):
    flow()
    data, record = tmp_path / "data", tmp_path / "data.json"
    {
        "changed": lambda: (data / "item_3.txt").write_text("other"),
        "missing": lambda: (data / "item_3.txt").unlink(),
        "added": lambda: (data / "item_x.txt").write_text("more"),
        "folder gone": lambda: shutil.rmtree(data),
        "record gone": lambda: record.unlink(),
        "record damaged": lambda: record.write_text(record.read_text()[:40]),
    }[harm]()
    said = flow()
    assert said[1:] == ["data: ended", "train: reused", "export: reused"]
    assert flow() == REUSED


def test_a_whole_folder_that_only_wants_its_name_gets_it(flow, small_flow, tmp_path):
    flow()
    (tmp_path / "data").rename(tmp_path / ".data.part")
    assert flow() == REUSED
    assert (tmp_path / "data" / "item_0.txt").exists()
    assert len((tmp_path / "made.log").read_text().split()) == small_flow.ITEMS


def failing_once(stage: Stage, error: BaseException, items: int) -> Stage:
    """`stage`, stopped after `items` of its files on the first attempt."""
    attempts = []

    def make(run, out_dir, progress):
        attempts.append(1)
        if len(attempts) == 1:
            for number in range(items):
                (out_dir / f"item_{number}.txt").write_text("left by the first attempt")
            raise error
        stage.make(run, out_dir, progress)

    return Stage(stage.name, stage.after, stage.applies, stage.inputs, make)


def test_ctrl_c_names_the_stage_and_its_work_is_gone_on_with(flow, small_flow, tmp_path):
    data, *rest = small_flow.small_stages()
    stages = (failing_once(data, KeyboardInterrupt(), 4), *rest)
    with pytest.raises(Stopped) as stopped:
        flow(stages=stages)
    assert stopped.value.stage == "data"
    assert not (tmp_path / "data").exists()
    flow(stages=stages)
    assert (tmp_path / "data" / "item_3.txt").read_text() == "left by the first attempt"
    assert len((tmp_path / "made.log").read_text().split()) == small_flow.ITEMS - 4


def test_work_on_other_inputs_is_not_gone_on_with(flow, small_flow, tmp_path):
    data, *rest = small_flow.small_stages()
    stages = (failing_once(data, KeyboardInterrupt(), 4), *rest)
    with pytest.raises(Stopped):
        flow(stages=stages)
    flow("sort", stages=stages)
    assert (tmp_path / "data" / "item_3.txt").read_text() != "left by the first attempt"


def test_what_failed_leaves_the_last_good_result(flow, small_flow, tmp_path):
    flow()
    before = outputs_of(tmp_path / "data")
    data, *rest = small_flow.small_stages()
    with pytest.raises(RuntimeError):
        flow("sort", stages=(failing_once(data, RuntimeError("broke"), 2), *rest))
    assert outputs_of(tmp_path / "data") == before
    assert flow() == REUSED


def test_a_stage_that_does_not_apply_is_left_out(flow, small_flow, tmp_path):
    data, train, export = small_flow.small_stages()
    unneeded = Stage("data", (), lambda usecase: False, data.inputs, data.make)
    flow(stages=(unneeded, train, export))
    assert not (tmp_path / "data").exists()
    assert (tmp_path / "export").exists()


def test_the_resolved_use_case_is_saved(flow, tmp_path):
    flow()
    assert '"problem": "count"' in (tmp_path / "usecase.json").read_text()


def test_stands_tells_whether_a_stage_is_up_to_date(flow, small_flow, tmp_path):
    flow()
    export = small_flow.small_stages()[-1]
    run = Run(small_flow.small_usecase(), tmp_path)
    assert stands(run, export)
    (tmp_path / "export" / "result.txt").write_text("other")
    assert not stands(run, export)


def test_one_run_at_a_time(small_flow, tmp_path, trunnion_holding):
    with trunnion_holding(tmp_path / ".lock") as holder, pytest.raises(BadInput) as refused:
        run_stages(
            Run(small_flow.small_usecase(), tmp_path), small_flow.small_stages(), "export", small_flow.Said()
        )
    assert f"process {holder.pid}" in refused.value.got
    assert f"kill -INT {holder.pid}" in refused.value.next_step


def test_the_lock_is_free_again_when_its_holder_was_killed(tmp_path, trunnion_holding):
    with trunnion_holding(tmp_path / ".lock") as holder:
        holder.kill()
        holder.wait()
        with only_one(tmp_path / ".lock", "at it"):
            assert Path(tmp_path / ".lock").read_text() != str(holder.pid)
