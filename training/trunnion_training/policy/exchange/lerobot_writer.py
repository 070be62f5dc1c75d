"""Demonstrations written as a LeRobotDataset v3, straight to Parquet: LeRobot itself asks for another Python."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trunnion_contract.errors import BadInput
from trunnion_contract.files import write_json
from trunnion_training.policy.exchange import lerobot_layout as layout
from trunnion_training.policy.exchange.demonstrated import Demonstrated, data_set_folder
from trunnion_training.policy.exchange.lerobot_statistics import Statistics, histogram, of_numbers, of_pixels
from trunnion_training.policy.recorded_episode import RecordedEpisode, check_episode
from trunnion_training.policy.recording_form import RecordingHeader

_MIB = 1 << 20


def write_lerobot(folder: Path, demonstrated: Demonstrated) -> None:
    """Write a LeRobotDataset v3, whole or not at all. Numbers of all steps are held in memory, pictures of one episode.

    Raises:
        BadInput: the rate is not a whole number of frames per second, or an episode is not what the header promises.
    """
    header = demonstrated.header
    if header.rate_hz != round(header.rate_hz):
        raise BadInput(
            where=f"{folder}: rate",
            got=f"{header.rate_hz:g} Hz",
            wanted="a whole number, because LeRobot counts whole frames per second",
            next_step="resample the demonstrations, or keep them as a recording",
        )
    with data_set_folder(folder) as work:
        dataset = _Dataset(work, header)
        with dataset.open():
            for index, episode in enumerate(demonstrated.episodes):
                check_episode(episode, header.sizes, header.image, f"{folder}: episode {index}")
                dataset.add(episode)
        dataset.describe()


class _Dataset:
    """A data set that grows by episodes; its description is written last."""

    def __init__(self, root: Path, header: RecordingHeader) -> None:
        self._root, self._header = root, header
        self._features = layout.features_of(header)
        self._schema = layout.schema_of(self._features)
        self._episodes: list[dict[str, Any]] = []
        self._numbers: dict[str, list[Any]] = defaultdict(list)
        self._pixels = np.zeros((3, 256), np.int64)
        self._frames, self._file = 0, 0
        self._writer: pq.ParquetWriter | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """While episodes are added."""
        try:
            yield
        finally:
            self._close()

    def add(self, episode: RecordedEpisode) -> None:
        """Write one episode, a row group of its own."""
        columns = self._columns(episode)
        place = dict(
            zip(("chunk_index", "file_index"), divmod(self._file, layout.FILES_PER_CHUNK), strict=True)
        )
        path = self._root / layout.DATA.format(**place)
        if self._writer is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(path, self._schema, compression="snappy")
        self._writer.write_table(
            pa.Table.from_arrays([_array(columns[f.name], f.type) for f in self._schema], schema=self._schema)
        )
        self._note(episode, columns, place)
        if path.stat().st_size >= layout.DATA_FILE_MIB * _MIB:
            self._close()
            self._file += 1

    def describe(self) -> None:
        """Write what lies under `meta`."""
        write_json(self._root / layout.INFO, self._info())
        write_json(self._root / layout.STATS, self._statistics())
        write_json(self._root / layout.HEADER, json.loads(self._header.model_dump_json(by_alias=True)))
        pq.write_table(_tasks(self._task), self._root / layout.TASKS)
        if self._episodes:
            path = self._root / layout.EPISODES.format(chunk_index=0, file_index=0)
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(self._episodes), path)

    @property
    def _task(self) -> str:
        """LeRobot has one sentence for what is done; ours is the environment."""
        return self._header.env

    def _columns(self, episode: RecordedEpisode) -> dict[str, Any]:
        steps = len(episode.actions)
        frames = np.arange(steps, dtype=np.int64)
        success = np.zeros(steps, bool)
        success[-1] = bool(episode.success)
        return {
            layout.STATE: episode.observations,
            layout.ACTION: episode.actions,
            layout.SUCCESS: success,
            layout.IMAGE: episode.images,
            "timestamp": (frames / self._header.rate_hz).astype(np.float32),
            "frame_index": frames,
            "episode_index": np.full(steps, len(self._episodes), np.int64),
            "index": frames + self._frames,
            "task_index": np.zeros(steps, np.int64),
        }

    def _note(self, episode: RecordedEpisode, columns: dict[str, Any], place: dict[str, int]) -> None:
        """Remember what the description says of this episode."""
        steps = len(episode.actions)
        about = {
            "episode_index": len(self._episodes),
            "tasks": [self._task],
            "length": steps,
            # Not of LeRobot: `next.success` cannot say that nobody knows.
            "success": episode.success,
            "dataset_from_index": self._frames,
            "dataset_to_index": self._frames + steps,
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        } | {f"data/{name}": value for name, value in place.items()}
        numbers = {key: of_numbers(columns[key]) for key in self._features if key != layout.IMAGE}
        if episode.images is not None:
            counts = histogram(episode.images)
            self._pixels += counts
            numbers[layout.IMAGE] = of_pixels(counts, steps)
        for key, statistics in numbers.items():
            about |= {f"stats/{key}/{name}": value for name, value in statistics.items()}
            if key != layout.IMAGE:
                self._numbers[key].append(columns[key])
        self._episodes.append(about)
        self._frames += steps

    def _statistics(self) -> dict[str, Statistics]:
        found = {key: of_numbers(np.concatenate(parts)) for key, parts in self._numbers.items()}
        if self._pixels.any():
            found[layout.IMAGE] = of_pixels(self._pixels, self._frames)
        return found

    def _info(self) -> dict[str, Any]:
        return {
            "codebase_version": layout.VERSION,
            "robot_type": None,
            "fps": int(self._header.rate_hz),
            "features": self._features,
            "total_episodes": len(self._episodes),
            "total_frames": self._frames,
            "total_tasks": 1,
            "chunks_size": layout.FILES_PER_CHUNK,
            "data_files_size_in_mb": layout.DATA_FILE_MIB,
            "video_files_size_in_mb": layout.VIDEO_FILE_MIB,
            "data_path": layout.DATA,
            "video_path": None,
            "splits": {"train": f"0:{len(self._episodes)}"},
        }

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if kind == layout.IMAGE_TYPE:
        return pa.array([{"bytes": data, "path": None} for data in values], kind)
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, type=kind) if pa.types.is_fixed_size_list(kind) else flat


def _tasks(task: str) -> pa.Table:
    """The table of tasks, whose index LeRobot finds through what pandas notes in a file."""
    table = pa.table({"task_index": pa.array([0], pa.int64()), "task": pa.array([task], pa.string())})
    column = {
        "metadata": None,
        "name": "task",
        "field_name": "task",
        "pandas_type": "unicode",
        "numpy_type": "object",
    }
    number = column | {
        "name": "task_index",
        "field_name": "task_index",
        "pandas_type": "int64",
        "numpy_type": "int64",
    }
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [number, column],
        "pandas_version": "2.3.3",
    }
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})
