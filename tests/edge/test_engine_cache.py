"""Engines that were built here are taken again, and only where nothing has changed; with real files and processes."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_contract.errors import Broken, TrunnionError
from trunnion_edge.engine_builder import EngineDiffers, Judgement
from trunnion_edge.engine_cache import EngineCache, NotCached, default_cache

PROGRAM = Path(__file__).with_name("engine_process.py")
BEFORE = {"OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def process() -> ModuleType:
    spec = importlib.util.spec_from_file_location("engine_process", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Sentence:
    """A check that passes every engine or none, and what it was asked."""

    def __init__(self, passes: bool) -> None:
        self.passes, self.asked = passes, list[str]()

    def prepare(self) -> None:
        self.asked.append("prepare")

    def judge(self, engine: bytes) -> Judgement:
        self.asked.append(f"judge {engine[:9].decode()}")
        return Judgement(self.passes, "boxes 0.01 px off" if self.passes else "boxes 80 px off")


class Workshop:
    """A cache in a folder of its own, and how often it was built in."""

    def __init__(self, folder: Path, process: ModuleType) -> None:
        self.folder, self.log, self.process = folder / "engines", folder / "builds", process
        self.log.touch()

    def open(self, *, refuses: bool = False, check: Sentence | None = None, **changes: object) -> bytes:
        builder = self.process.Reversal(self.process.key_of(**changes), self.log, refuses=refuses)
        cache: EngineCache[bytes] = EngineCache(self.folder, check=check)
        return cache.open(builder)

    @property
    def builds(self) -> int:
        return len(self.log.read_text().splitlines())

    def file(self, suffix: str) -> Path:
        (found,) = self.folder.glob(f"*.{suffix}")
        return found

    def start(self, seconds: float = 0.0, **more: object) -> subprocess.Popen[str]:
        command = [sys.executable, str(PROGRAM), str(self.folder), str(self.log), str(seconds)]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, env={**os.environ, **BEFORE}, **both, **more)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def workshop(tmp_path: Path, process: ModuleType) -> Workshop:
    return Workshop(tmp_path, process)


def test_what_was_built_is_taken_the_next_time(workshop: Workshop, process: ModuleType) -> None:
    assert workshop.open() == workshop.open() == process.NETWORK
    assert workshop.builds == 1


def test_the_record_beside_the_plan_says_what_it_was_built_for(workshop: Workshop) -> None:
    workshop.open()
    record = json.loads(workshop.file("json").read_text())
    assert record["key"]["gpu"] == "Orin"
    assert record["key"]["shapes"] == {"images": [[1, 3], [1, 3], [8, 3]]}
    assert workshop.file("json").stem == workshop.file("plan").stem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"runtime_version": "11.4.0"}, "runtime_version '10.3.0' → '11.4.0'"),
        (
            {"gpu": "Thor", "compute_capability": "11.0"},
            "gpu 'Orin' → 'Thor', compute_capability '8.7' → '11.0'",
        ),
        ({"driver": "580.1"}, "driver '540.4.0' → '580.1'"),
        ({"cuda": "13.0"}, "cuda '12.6' → '13.0'"),
        ({"l4t": "38.2"}, "l4t '36.4.3' → '38.2'"),
        ({"precision": "otherwise"}, "precision"),
        ({"shapes": {}}, "shapes"),
        ({"settings": {"workspace_mib": 1}}, "settings {'workspace_mib': 1024} → {'workspace_mib': 1}"),
    ],
)
def test_an_engine_for_anything_else_is_built_anew_and_the_log_says_what_differs(
    change: dict[str, object], said: str, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.open()
    workshop.open(**change)
    assert workshop.builds == 2
    assert said in caplog.messages[-1]
    workshop.open(**change)
    workshop.open()
    assert workshop.builds == 2


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def edit_key(file: Path) -> None:
    file.write_text(file.read_text().replace("Orin", "Thor"))


def a_newer_schema(file: Path) -> None:
    file.write_text(file.read_text().replace('"schema": 1', '"schema": 2'))


def forbid(file: Path) -> None:
    """A link that leads to itself cannot be read, by root either."""
    file.unlink()
    file.symlink_to(file)


@pytest.mark.parametrize(
    ("suffix", "damage", "said"),
    [
        ("plan", cut, "is damaged (100000 bytes with another digest)"),
        ("plan", Path.unlink, "cannot be read (No such file or directory)"),
        ("plan", forbid, "cannot be read (Too many levels of symbolic links)"),
        ("json", cut, "record of the plan that is there cannot be used"),
        ("json", edit_key, "for another key: gpu 'Thor' → 'Orin'"),
        ("json", a_newer_schema, "record of the plan that is there cannot be used"),
        ("json", Path.unlink, "none of this network yet"),
    ],
)
def test_what_is_damaged_is_built_anew_and_the_log_says_why(
    suffix: str, damage: Callable[[Path], None], said: str, workshop: Workshop, caplog: pytest.LogCaptureFixture,
    process: ModuleType,
) -> None:  # fmt: skip
    workshop.open()
    damage(workshop.file(suffix))
    assert workshop.open() == process.NETWORK
    assert workshop.builds == 2
    assert said in caplog.messages[-1]
    workshop.open()
    assert workshop.builds == 2


def test_a_plan_that_the_runtime_refuses_is_built_once_more_and_then_given_up(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.open()
    with pytest.raises(
        Broken, match=r"just built: got a plan that it does not load \(another magic number\)"
    ):
        workshop.open(refuses=True)
    assert workshop.builds == 2
    assert "does not load (another magic number)" in caplog.messages[-1]


@given(
    data=st.binary(max_size=200) | st.text().map(str.encode) | st.integers(0, 5000).map(lambda n: b"[" * n)
)
def test_no_bytes_in_the_record_stop_a_robot(
    data: bytes, tmp_path_factory: pytest.TempPathFactory, process: ModuleType
) -> None:
    workshop = Workshop(tmp_path_factory.mktemp("cache"), process)
    workshop.open()
    workshop.file("json").write_bytes(data)
    assert workshop.open() == process.NETWORK
    assert workshop.builds == 2


def _json_paths(value: object, above: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(path for name, part in inside for path in _json_paths(part, (*above, name)))]


# None of these stands in a record, nor reads as what does.
@given(
    choice=st.integers(min_value=0),
    value=st.none() | st.integers(min_value=2000) | st.text("abcdefgh", max_size=9) | st.just({}),
)
def test_no_edited_value_in_the_record_is_believed(
    choice: int, value: object, tmp_path_factory: pytest.TempPathFactory, process: ModuleType
) -> None:
    workshop = Workshop(tmp_path_factory.mktemp("cache"), process)
    workshop.open()
    before = json.loads(workshop.file("json").read_text())
    # These two say what came of a check, and nothing of what the plan is.
    said_of_it = (("compared",), ("fault",))
    paths = [path for path in _json_paths(before) if path and path not in said_of_it]
    *parents, last = paths[choice % len(paths)]
    changed = json.loads(json.dumps(before))
    inner = changed
    for name in parents:
        inner = inner[name]
    inner[last] = value
    workshop.file("json").write_text(json.dumps(changed))
    assert workshop.open() == process.NETWORK
    assert workshop.builds == 2


@given(data=st.binary(max_size=300))
def test_no_bytes_in_the_plan_reach_the_runtime(
    data: bytes, tmp_path_factory: pytest.TempPathFactory, process: ModuleType
) -> None:
    workshop = Workshop(tmp_path_factory.mktemp("cache"), process)
    workshop.open()
    workshop.file("plan").write_bytes(data)
    assert workshop.open() == process.NETWORK
    assert workshop.builds == 2


def test_an_engine_is_checked_when_it_is_built_and_not_at_each_start(
    workshop: Workshop, process: ModuleType
) -> None:
    check = Sentence(passes=True)
    assert workshop.open(check=check) == workshop.open(check=check) == process.NETWORK
    assert check.asked == ["prepare", "judge a network"]
    assert json.loads(workshop.file("json").read_text())["compared"] == "boxes 0.01 px off"


def test_an_engine_that_fails_its_check_is_refused_and_not_built_at_each_start(workshop: Workshop) -> None:
    check = Sentence(passes=False)
    for _ in range(2):
        with pytest.raises(
            EngineDiffers, match=r"reversal 10\.3\.0 built on this device: got boxes 80 px off"
        ):
            workshop.open(check=check)
    with pytest.raises(EngineDiffers):
        workshop.open()
    assert workshop.builds == 1
    workshop.file("json").unlink()
    workshop.open(check=Sentence(passes=True))
    assert workshop.builds == 2


def test_what_a_check_needs_is_missed_before_anything_is_built(workshop: Workshop) -> None:
    check = Sentence(passes=True)
    check.prepare = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(ZeroDivisionError):
        workshop.open(check=check)
    assert workshop.builds == 0


def test_an_engine_that_nobody_checked_is_checked_where_one_is_wanted_and_not_built_anew(
    workshop: Workshop, process: ModuleType
) -> None:
    workshop.open()
    check = Sentence(passes=True)
    assert workshop.open(check=check) == workshop.open(check=check) == process.NETWORK
    assert check.asked == ["prepare", "judge a network"]
    assert workshop.builds == 1
    assert json.loads(workshop.file("json").read_text())["compared"] == "boxes 0.01 px off"


def test_one_that_nobody_checked_and_that_is_wrong_is_refused(workshop: Workshop) -> None:
    workshop.open()
    for _ in range(2):
        with pytest.raises(EngineDiffers, match="got boxes 80 px off"):
            workshop.open(check=Sentence(passes=False))
    assert workshop.builds == 1


def test_what_was_built_is_kept_where_the_check_cannot_run_and_checked_the_next_time(
    workshop: Workshop, process: ModuleType
) -> None:
    short = Sentence(passes=True)
    short.judge = lambda engine: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            workshop.open(check=short)
    assert json.loads(workshop.file("json").read_text())["compared"] == ""
    assert workshop.open(check=Sentence(passes=True)) == process.NETWORK
    assert workshop.builds == 1


def test_one_that_nobody_checked_and_that_does_not_load_is_built_anew(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.open()
    with pytest.raises(Broken, match="just built"):
        workshop.open(check=Sentence(passes=True), refuses=True)
    assert workshop.builds == 2
    assert "does not load (another magic number)" in caplog.messages[-1]


def test_a_plan_that_is_kept_can_be_read_with_its_record(workshop: Workshop, process: ModuleType) -> None:
    cache: EngineCache[bytes] = EngineCache(workshop.folder)
    with pytest.raises(NotCached):
        cache.kept(process.key_of())
    workshop.open()
    record, plan = cache.kept(process.key_of())
    assert (record.key, plan) == (process.key_of(), process.NETWORK[::-1])


def limit_file_size() -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))


def test_a_full_disk_leaves_nothing_half_written(workshop: Workshop) -> None:
    with workshop.start(preexec_fn=limit_file_size) as opening:
        said, _ = opening.communicate(timeout=60)
    assert opening.returncode == 3, said
    assert "got a full disk" in said
    assert [file.suffix for file in workshop.folder.iterdir()] == [".lock"]


def test_a_full_disk_leaves_what_stood_there(workshop: Workshop, process: ModuleType) -> None:
    workshop.open()
    edit_key(workshop.file("json"))
    before = {file.name: file.read_bytes() for file in workshop.folder.iterdir() if file.suffix != ".lock"}
    with workshop.start(preexec_fn=limit_file_size) as opening:
        opening.communicate(timeout=60)
    after = {file.name: file.read_bytes() for file in workshop.folder.iterdir() if file.suffix != ".lock"}
    assert opening.returncode == 3
    assert after == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, process: ModuleType) -> None:
    (tmp_path / "engines").write_text("a file in its place")
    with pytest.raises(TrunnionError, match=r"engines: got a folder that cannot be written"):
        Workshop(tmp_path, process).open()


def wait_for_build(workshop: Workshop, opening: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + 30
    while not workshop.builds:
        assert opening.poll() is None
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_of_two_processes_one_builds_and_the_other_waits_says_for_whom_and_loads(workshop: Workshop) -> None:
    with workshop.start(seconds=3) as first:
        wait_for_build(workshop, first)
        with workshop.start() as second:
            said_second, _ = second.communicate(timeout=60)
        said_first, _ = first.communicate(timeout=60)
    assert said_first.endswith("opened\n")
    assert said_second.endswith("opened\n")
    assert f"process {first.pid} builds this engine; waiting for it" in said_second
    assert "engine cache: took" in said_second
    assert workshop.builds == 1


def test_when_the_builder_is_killed_the_one_that_waits_builds(workshop: Workshop) -> None:
    with workshop.start(seconds=60) as first:
        wait_for_build(workshop, first)
        with workshop.start() as second:
            time.sleep(1)
            first.kill()
            said, _ = second.communicate(timeout=60)
        first.communicate()
    assert said.endswith("opened\n")
    assert workshop.builds == 2
    assert sorted(file.suffix for file in workshop.folder.iterdir()) == [".json", ".lock", ".plan"]


def test_many_at_once_build_once(workshop: Workshop) -> None:
    running = [workshop.start(seconds=0.5) for _ in range(4)]
    said = [each.communicate(timeout=120)[0] for each in running]
    assert all(text.endswith("opened\n") for text in said), said
    assert workshop.builds == 1


def test_the_users_cache_is_where_the_system_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "trunnion" / "engines"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "trunnion" / "engines"
