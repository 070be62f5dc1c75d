"""Recordings: demonstrations in Parquet that come back as they were, or are refused with a reason."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry
from trunnion_contract.progress import Silent
from trunnion_training.policy.demonstrations import demonstrate
from trunnion_training.policy.environment import Task
from trunnion_training.policy.recorded_episode import ImageForm, RecordedEpisode
from trunnion_training.policy.recording import open_recording, recorded_demonstrations, write_recording
from trunnion_training.policy.recording_form import HEADER_KEY, RecordingHeader

OBSERVATION = (
    Entry(name="point_m", size=2, unit="m", low=-1, high=1),
    Entry(name="target_m", size=2, unit="m", low=-1, high=1),
)
ACTION = (
    Entry(name="velocity_mps", size=2, unit="m/s", low=-1, high=1),
    Entry(name="opening_m", size=1, unit="m", low=0, high=0.08),
)
HEADER = RecordingHeader(
    schema=1, env="tests/Point-v0", env_package="point_cell", rate_hz=20.0, observation=OBSERVATION, action=ACTION,
    seed=3,
)  # fmt: skip
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def recorded(draw: st.DrawFn) -> RecordedEpisode:
    steps = draw(st.integers(1, 12))
    rows = [draw(arrays(np.float32, (steps, size), elements=FINITE)) for size in HEADER.sizes]
    return RecordedEpisode(rows[0], rows[1], draw(st.sampled_from([None, False, True])))


def episode(steps: int = 5, seed: int = 0, success: bool | None = True) -> RecordedEpisode:
    rng = np.random.default_rng(seed)
    rows = [rng.uniform(-1, 1, (steps, size)).astype(np.float32) for size in HEADER.sizes]
    return RecordedEpisode(rows[0], rows[1], success)


def picture(seed: int, encoding: str = "png", size: tuple[int, int] = (16, 8)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=encoding)
    return buffer.getvalue()


def same(a: RecordedEpisode, b: RecordedEpisode) -> bool:
    """Bit by bit: also the sign of zero."""
    return (a.observations.tobytes(), a.actions.tobytes(), a.success, a.images) == (
        b.observations.tobytes(), b.actions.tobytes(), b.success, b.images,
    )  # fmt: skip


@given(
    episodes=st.lists(recorded(), max_size=4),
    rate_hz=st.floats(0.1, 1000, allow_subnormal=False),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back_bit_by_bit(
    tmp_path: Path, episodes: list[RecordedEpisode], rate_hz: float
) -> None:
    header = HEADER.model_copy(update={"rate_hz": rate_hz})
    contents = write_recording(tmp_path / "a.parquet", header, episodes)
    recording = open_recording(tmp_path / "a.parquet")
    assert recording.header == header
    assert recording.contents == contents
    assert (contents.episodes, contents.steps) == (len(episodes), sum(len(e.actions) for e in episodes))
    assert all(same(a, b) for a, b in zip(episodes, recording.episodes(), strict=True))


def test_the_same_demonstrations_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_recording(tmp_path / name, HEADER, [episode(seed=1), episode(seed=2)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_episodes_are_taken_one_at_a_time(tmp_path: Path) -> None:
    """Written as they come and read as they are asked for: memory holds one."""
    alive: list[int] = []

    def played() -> Any:
        for index in range(3):
            alive.append(index)
            yield episode(seed=index)

    write_recording(tmp_path / "a.parquet", HEADER, played())
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == len(alive) == 3
    first = next(open_recording(tmp_path / "a.parquet").episodes())
    assert same(first, episode(seed=0))


def test_pictures_are_kept_as_they_were_encoded(tmp_path: Path) -> None:
    header = HEADER.model_copy(update={"image": ImageForm(encoding="jpeg", width_px=16, height_px=8)})
    plain = episode(steps=3)
    seen = RecordedEpisode(
        plain.observations, plain.actions, None, tuple(picture(i, "jpeg") for i in range(3))
    )
    write_recording(tmp_path / "a.parquet", header, [seen])
    assert same(next(open_recording(tmp_path / "a.parquet").episodes()), seen)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (None, "no pictures"),
        ((b"no picture at all",) * 5, "frame 0: image: got 17 bytes that are no picture"),
        (tuple(picture(i) for i in range(4)), "got 4 pictures, wanted 5, one for each step"),
        ((*(picture(i) for i in range(4)), picture(4, size=(8, 8))), "frame 4: image: got png 8x8, wanted png 16x8"),
        (tuple(picture(i, "jpeg") for i in range(5)), "got jpeg 16x8, wanted png 16x8"),
    ],
)  # fmt: skip
def test_pictures_of_another_form_are_refused(
    tmp_path: Path, images: tuple[bytes, ...] | None, message: str
) -> None:
    header = HEADER.model_copy(update={"image": ImageForm(encoding="png", width_px=16, height_px=8)})
    plain = episode()
    with pytest.raises(BadInput, match=message):
        write_recording(
            tmp_path / "a.parquet", header, [RecordedEpisode(plain.observations, plain.actions, True, images)]
        )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_and_what_stood_there_stays(
    tmp_path: Path, value: float
) -> None:
    write_recording(tmp_path / "a.parquet", HEADER, [episode(seed=1)])
    broken = episode(seed=2)
    broken.actions[3, 1] = value
    with pytest.raises(
        BadInput, match=r"episode 1, frame 3: action\[1\]: got (nan|inf), wanted a finite number"
    ):
        write_recording(tmp_path / "a.parquet", HEADER, [episode(), broken])
    assert same(next(open_recording(tmp_path / "a.parquet").episodes()), episode(seed=1))
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_an_episode_of_another_shape_is_refused(tmp_path: Path) -> None:
    wide = RecordedEpisode(np.zeros((5, 6), np.float32), np.zeros((5, 3), np.float32))
    with pytest.raises(BadInput, match=r"observation: got float32 \[5, 6\], wanted float32 \[5, 4\]"):
        write_recording(tmp_path / "a.parquet", HEADER, [wide])
    short = RecordedEpisode(np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32))
    with pytest.raises(BadInput, match="got no steps"):
        write_recording(tmp_path / "a.parquet", HEADER, [short])


def said_of(file: pq.ParquetFile) -> dict[bytes, bytes]:
    return {key: value for key, value in file.metadata.metadata.items() if key != b"ARROW:schema"}


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Another program's hand in the file: the same header, other rows, one row group for each episode."""
    file = pq.ParquetFile(path)
    tables = [change(file.read_row_group(index)) for index in range(file.num_row_groups)]
    with pq.ParquetWriter(path, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=table.num_rows)
        writer.add_key_value_metadata(said_of(file))


def replaced(name: str, change: Callable[[Any], Any]) -> Callable[[pa.Table], pa.Table]:
    def changed(table: pa.Table) -> pa.Table:
        index, field = table.column_names.index(name), table.schema.field(name).with_nullable(True)
        return table.set_column(index, field, pa.array(change(table.column(name).to_pylist()), field.type))

    return changed


def test_a_file_that_was_only_written_again_is_still_good(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.parquet", HEADER, [episode(), episode(seed=1)])
    rewritten(tmp_path / "a.parquet", lambda table: table)
    assert len(list(open_recording(tmp_path / "a.parquet").episodes())) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced("timestamp_s", lambda rows: [2 * t for t in rows]), r"frame 1: got timestamp_s 0\.1, wanted 0\.05"),
        (replaced("observation", lambda rows: [[float("nan")] * 4, *rows[1:]]), r"frame 0: observation\[0\]: got nan"),
        (replaced("action", lambda rows: [*rows[:-1], None]), "'action' without a value"),
        (replaced("action", lambda rows: [*rows[:-1], [0.5, 0.5, None]]), r"frame 4: action\[2\]: got nan"),
        (replaced("action", lambda rows: [[0.5, 0.5, 0.5], *rows[1:]]), "as it was written"),
        (replaced("success", lambda rows: [False, *rows[1:]]), "success .*wanted one answer for the whole episode"),
        (replaced("success", lambda rows: [None for _ in rows]), "as it was written"),
        (replaced("frame_index", lambda rows: rows[::-1]), "missing or out of order"),
        (replaced("episode_index", lambda rows: [7 for _ in rows]), "rows of other episodes"),
        (lambda table: table.slice(0, 3), "2 episodes, 6 steps"),
        (lambda table: table.drop_columns(["action"]), "no action, wanted the columns episode_index"),
        (lambda table: table.append_column("joints", table.column("action")), "also joints"),
        (lambda table: table.set_column(4, "action", pa.array([[0.5, 0.5]] * 5, pa.list_(pa.float32(), 2))),
         r"'action' as fixed_size_list<.*>\[2\], wanted fixed_size_list<.*>\[3\]"),
    ],
)  # fmt: skip
def test_rows_that_are_not_what_the_header_promises_are_refused(
    tmp_path: Path, change: Callable[[pa.Table], pa.Table], message: str
) -> None:
    path = tmp_path / "a.parquet"
    write_recording(path, HEADER, [episode(), episode(seed=1)])
    rewritten(path, change)
    with pytest.raises(BadInput, match=message):
        list(open_recording(path).episodes())


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.parquet"
    write_recording(path, HEADER, [episode()])
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(BadInput, match="a file that is cut or no Parquet"):
        open_recording(path)


@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path, where: float, bit: int) -> None:
    path, whole = tmp_path / "a.parquet", [episode(steps=40), episode(seed=1, success=None)]
    write_recording(path, HEADER, whole)
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 1 << bit
    path.write_bytes(data)
    try:
        recording = open_recording(path)
        read = list(recording.episodes())
    except BadInput:
        return
    assert recording.header == HEADER
    assert all(same(a, b) for a, b in zip(whole, read, strict=True))


def test_another_schema_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_recording(path, HEADER, [episode()])
    file = pq.ParquetFile(path)
    metadata = said_of(file)
    metadata[HEADER_KEY] = metadata[HEADER_KEY].replace(b'"schema":1', b'"schema":2')
    table = file.read()
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(metadata)
    with pytest.raises(BadInput, match="schema: got version 2, wanted version 1"):
        open_recording(path)


def test_parquet_of_something_else_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(BadInput, match="Parquet without the header of a recording"):
        open_recording(tmp_path / "a.parquet")
    with pytest.raises(BadInput, match="no such file"):
        open_recording(tmp_path / "b.parquet")


def test_demonstrations_are_learnt_from_unless_they_failed(point_cell: str, tmp_path: Path) -> None:
    task = Task("tests/Point-v0", point_cell)
    played = demonstrate(task, 3, 0, tmp_path / "work", Silent())
    kept = [RecordedEpisode(e.observations, e.actions, True) for e in played.episodes]
    write_recording(tmp_path / "a.parquet", HEADER, [episode(success=False), *kept, episode(success=None)])
    demonstrations = recorded_demonstrations(tmp_path / "a.parquet", task)
    assert (len(demonstrations.episodes), demonstrations.played) == (4, 5)
    np.testing.assert_array_equal(demonstrations.episodes[0].actions, played.episodes[0].actions)


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"rate_hz": 10.0}, "rate: got 10 Hz, wanted 20 Hz, as tests/Point-v0 has it"),
        (
            {"observation": OBSERVATION[::-1]},
            r"observation: got target_m\[2\] m, point_m\[2\] m, wanted point_m",
        ),
        (
            {"action": (*ACTION[:1], ACTION[1].model_copy(update={"unit": "mm"}))},
            r"opening_m\[1\] mm, wanted",
        ),
    ],
)
def test_demonstrations_of_another_rate_or_shape_are_refused(
    point_cell: str, tmp_path: Path, update: dict[str, Any], message: str
) -> None:
    write_recording(tmp_path / "a.parquet", HEADER.model_copy(update=update), [episode()])
    with pytest.raises(BadInput, match=message):
        recorded_demonstrations(tmp_path / "a.parquet", Task("tests/Point-v0", point_cell))
