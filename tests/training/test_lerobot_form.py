"""LeRobotDataset v3: what is written there comes back, and foreign data are taken for what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.training.demonstrated import HEADER, demonstrated, episodes, same

from trunnion_contract.errors import BadInput
from trunnion_training.policy.exchange.demonstrated import Demonstrated, Wishes
from trunnion_training.policy.exchange.lerobot_reader import read_lerobot
from trunnion_training.policy.exchange.lerobot_statistics import histogram, of_numbers, of_pixels
from trunnion_training.policy.exchange.lerobot_writer import write_lerobot
from trunnion_training.policy.recorded_episode import RecordedEpisode

DATA = "data/chunk-000/file-000.parquet"
NOTHING = Wishes()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_lerobot(tmp_path / "point", demonstrated())
    return tmp_path / "point"


def info(folder: Path, **changes: Any) -> dict[str, Any]:
    """The description, changed."""
    file = folder / "meta" / "info.json"
    value: dict[str, Any] = json.loads(file.read_text()) | changes
    file.write_text(json.dumps(value))
    return value


@pytest.mark.parametrize("images", [False, True])
def test_a_round_trip_changes_nothing(tmp_path: Path, images: bool) -> None:
    write_lerobot(tmp_path / "point", demonstrated(images))
    read = read_lerobot(tmp_path / "point", NOTHING)
    assert read.header == demonstrated(images).header
    assert read.left_out == ()
    assert all(same(a, b) for a, b in zip(episodes(images), read.episodes, strict=True))


def test_files_lie_where_lerobot_looks_for_them(written: Path) -> None:
    assert sorted(path.relative_to(written).as_posix() for path in written.rglob("*.*")) == [
        DATA, "meta/episodes/chunk-000/file-000.parquet", "meta/info.json", "meta/stats.json", "meta/tasks.parquet",
        "meta/trunnion.json",
    ]  # fmt: skip
    description = info(written)
    assert (description["codebase_version"], description["fps"], description["total_frames"]) == (
        "v3.0",
        20,
        18,
    )
    assert description["features"]["observation.state"]["names"] == [
        "point_m.0", "point_m.1", "target_m.0", "target_m.1",
    ]  # fmt: skip
    data = pq.read_table(written / DATA)
    assert set(data.column_names) == set(description["features"])
    assert data.column("next.success").to_pylist() == [False] * 4 + [True] + [False] * 13
    assert data.column("index").to_pylist() == list(range(18))
    bounds = pq.read_table(written / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    assert bounds.column("dataset_to_index").to_pylist() == [5, 11, 18]


def test_statistics_are_those_of_the_data(written: Path) -> None:
    rows = np.concatenate([episode.observations for episode in episodes()]).astype(np.float64)
    stats = json.loads((written / "meta" / "stats.json").read_text())["observation.state"]
    np.testing.assert_allclose(stats["mean"], rows.mean(axis=0))
    np.testing.assert_allclose(stats["q90"], np.quantile(rows, 0.9, axis=0))
    assert stats["count"] == [18]


def test_statistics_of_pixels_are_those_of_all_pixels() -> None:
    import io

    from PIL import Image

    images = [data for episode in episodes(images=True) for data in episode.images or ()]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in images]).reshape(-1, 3) / 255
    found, wanted = of_pixels(histogram(images), len(images)), of_numbers(pixels)
    for name in ("min", "max", "mean", "std"):
        np.testing.assert_allclose(np.ravel(found[name]), wanted[name], atol=1e-12)
    np.testing.assert_allclose(np.ravel(found["q50"]), wanted["q50"], atol=1 / 255)
    assert np.shape(found["mean"]) == (3, 1, 1)


def foreign(folder: Path) -> None:
    """Another program's data set: nothing of ours in it, doubles, a camera's depth, several observations."""
    (folder / "meta" / "trunnion.json").unlink()
    bounds = folder / "meta" / "episodes" / "chunk-000" / "file-000.parquet"
    pq.write_table(pq.read_table(bounds).drop_columns(["success"]), bounds)
    table = pq.read_table(folder / DATA)
    wide = table.column("observation.state").cast(pa.list_(pa.float64(), 4))
    table = table.set_column(0, "observation.state", wide)
    table = table.append_column("observation.grip", pa.array(np.arange(18, dtype=np.float32)))
    table = table.append_column("next.reward", pa.array(np.zeros(18, np.float32)))
    pq.write_table(table, folder / DATA)
    features = info(folder)["features"]
    features["observation.state"] |= {"dtype": "float64", "names": {"motors": ["x", "y", "tx", "ty"]}}
    features["action"]["names"] = None
    number = {"dtype": "float32", "shape": [1], "names": None}
    info(folder, features=features | {"observation.grip": number, "next.reward": number}, total_videos=0)
    stats = json.loads((folder / "meta" / "stats.json").read_text())
    stats["observation.grip"] = {"min": [0.0], "max": [17.0]}
    (folder / "meta" / "stats.json").write_text(json.dumps(stats))


def test_foreign_data_are_taken_for_what_they_say(written: Path) -> None:
    foreign(written)
    read = read_lerobot(written, NOTHING)
    names = [entry.name for entry in read.header.observation]
    assert names == [*(f"observation.state.{name}" for name in ("x", "y", "tx", "ty")), "observation.grip.0"]
    assert [entry.name for entry in read.header.action] == ["action.0", "action.1", "action.2"]
    assert (read.header.observation[-1].high, read.header.rate_hz) == (17.0, 20.0)
    assert read.left_out == ("next.reward",)
    kept = list(read.episodes)
    assert [episode.success for episode in kept] == [True, False, False]
    assert kept[1].observations.shape == (6, 5)
    np.testing.assert_array_equal(kept[1].observations[:, :4], episodes()[1].observations)
    np.testing.assert_array_equal(kept[1].observations[:, 4], np.arange(5, 11))


def cut(folder: Path) -> None:
    data = (folder / DATA).read_bytes()
    (folder / DATA).write_bytes(data[: len(data) // 2])


def slower(folder: Path) -> None:
    info(folder, fps=10)
    header = HEADER.model_copy(update={"rate_hz": 10.0}).model_dump_json(by_alias=True)
    (folder / "meta" / "trunnion.json").write_text(header)


def renamed(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        table = pq.read_table(folder / DATA)
        names = [new if name == old else name for name in table.column_names]
        pq.write_table(table.rename_columns(names), folder / DATA)

    return change


def rows(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    return lambda folder: pq.write_table(change(pq.read_table(folder / DATA)), folder / DATA)


def with_a_hole(table: pa.Table) -> pa.Table:
    values = np.zeros((18, 3), np.float32)
    values[7, 1] = np.nan
    return table.set_column(1, "action", pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), 3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda folder: info(folder, codebase_version="v2.1"),
            "codebase_version v2.1, wanted v3.*convert_dataset",
        ),
        (lambda folder: info(folder, fps="fast"), "info.json: fps"),
        (lambda folder: info(folder, fps=30), "20 Hz, wanted .* at 30 Hz"),
        (lambda folder: info(folder, total_frames=20), "got 3 episodes of 18 frames, wanted 3 of 20"),
        (lambda folder: (folder / "meta" / "info.json").write_text("{"), "wanted JSON"),
        (slower, r"episode 0, frame 1: got timestamp 0\.05 s, wanted 0\.1 s, at the 10 Hz"),
        (cut, "a file that is cut or no Parquet"),
        (renamed("action", "actions"), "no action, wanted the columns of meta/info.json"),
        (rows(lambda table: table.slice(0, 9)), "2 episodes of 9 frames"),
        (rows(lambda table: table.slice(5)), "episode 1 in its place"),
        (
            rows(lambda table: pa.concat_tables([table.slice(0, 2), table.slice(3)])),
            "missing or out of order",
        ),
        (rows(with_a_hole), r"episode 1, frame 2: action\[1\]: got nan, wanted a finite number"),
    ],
)
def test_what_is_damaged_is_refused(written: Path, change: Callable[[Path], Any], message: str) -> None:
    change(written)
    with pytest.raises(BadInput, match=message):
        list(read_lerobot(written, NOTHING).episodes)


def test_videos_are_refused_unless_they_are_not_wanted(written: Path) -> None:
    features = info(written)["features"]
    video = {"dtype": "video", "shape": [8, 16, 3], "names": ["height", "width", "channels"]}
    info(written, features=features | {"observation.images.top": video})
    with pytest.raises(BadInput, match=r"observation\.images\.top as video.*--without-images"):
        read_lerobot(written, NOTHING)
    read = read_lerobot(written, Wishes(without_images=True))
    assert read.left_out == ("observation.images.top",)
    assert len(list(read.episodes)) == 3


def test_a_rate_that_lerobot_cannot_say_is_refused(tmp_path: Path) -> None:
    odd = Demonstrated(HEADER.model_copy(update={"rate_hz": 12.5}), episodes())
    with pytest.raises(BadInput, match=r"12\.5 Hz, wanted a whole number"):
        write_lerobot(tmp_path / "point", odd)


def test_what_fails_in_the_middle_leaves_no_data_set(tmp_path: Path) -> None:
    broken = RecordedEpisode(np.full((2, 4), np.nan, np.float32), np.zeros((2, 3), np.float32))
    with pytest.raises(BadInput, match="episode 3, frame 0"):
        write_lerobot(tmp_path / "point", Demonstrated(HEADER, (*episodes(), broken)))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_begun_anew(tmp_path: Path) -> None:
    left = tmp_path / ".point.part" / "data" / "chunk-009"
    left.mkdir(parents=True)
    (left / "file-000.parquet").write_text("half of one")
    write_lerobot(tmp_path / "point", demonstrated())
    assert [path.name for path in tmp_path.iterdir()] == ["point"]
    assert len(list(read_lerobot(tmp_path / "point", NOTHING).episodes)) == 3
