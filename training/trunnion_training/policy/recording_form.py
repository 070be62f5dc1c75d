"""How demonstrations lie in a Parquet file: header, columns, and an episode as a table. `README.md` says it in full."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry
from trunnion_contract.strict import Strict
from trunnion_training.policy.recorded_episode import Array, ImageForm, RecordedEpisode, check_episode

SCHEMA: Final = 1
HEADER_KEY, CONTENTS_KEY = b"trunnion.recording", b"trunnion.contents"
# How far a step's time may lie from its place on the grid of the rate, in periods.
_JITTER_PERIODS = 0.01


class RecordingHeader(Strict):
    """What was recorded, where, and how often; the vectors' entries in order, with units and ranges.

    `seed` is the one that all episodes were played from, where there is one.
    """

    schema_version: Literal[1] = Field(default=SCHEMA, alias="schema")
    env: str
    env_package: str | None = None
    rate_hz: float = Field(gt=0)
    observation: tuple[Entry, ...] = Field(min_length=1)
    action: tuple[Entry, ...] = Field(min_length=1)
    seed: int | None = Field(default=None, ge=0)
    image: ImageForm | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """How many numbers an observation and an action have."""
        return sum(entry.size for entry in self.observation), sum(entry.size for entry in self.action)


class Contents(Strict):
    """How much there is in a recording, and the SHA-256 of it (see `README.md`)."""

    episodes: int = Field(ge=0)
    steps: int = Field(ge=0)
    sha256: str


def schema_of(header: RecordingHeader) -> pa.Schema:
    """The columns of a recording, in order."""
    observation, action = header.sizes
    fields = [
        pa.field("episode_index", pa.int64(), nullable=False),
        pa.field("frame_index", pa.int64(), nullable=False),
        pa.field("timestamp_s", pa.float64(), nullable=False),
        pa.field("observation", pa.list_(pa.float32(), observation), nullable=False),
        pa.field("action", pa.list_(pa.float32(), action), nullable=False),
        pa.field("success", pa.bool_()),
    ]
    return pa.schema([*fields, pa.field("image", pa.binary(), nullable=False)] if header.image else fields)


def table_of(episode: RecordedEpisode, index: int, header: RecordingHeader) -> pa.Table:
    """The rows of one episode."""
    steps, schema = len(episode.actions), schema_of(header)
    frames = np.arange(steps, dtype=np.int64)
    columns = [
        pa.array(np.full(steps, index, np.int64)),
        pa.array(frames),
        pa.array(frames / header.rate_hz),
        *(
            pa.FixedSizeListArray.from_arrays(
                pa.array(np.ascontiguousarray(rows).reshape(-1)), type=schema.field(name).type
            )
            for name, rows in (("observation", episode.observations), ("action", episode.actions))
        ),
        pa.array([episode.success] * steps, pa.bool_()),
    ]
    if episode.images is not None:
        columns.append(pa.array(episode.images, pa.binary()))
    return pa.Table.from_arrays(columns, schema=schema)


def episode_of(table: pa.Table, index: int, header: RecordingHeader, where: str) -> RecordedEpisode:
    """The episode number `index` in the rows of its row group.

    Raises:
        BadInput: rows are missing, of other episodes, off the grid of the rate, or not fit to be kept.
    """
    for name in table.column_names:
        if name != "success" and table.column(name).null_count:
            raise damaged(where, f"'{name}' without a value in some rows", "a value in every row")
    _check_place(table, index, header, where)
    observation, action = header.sizes
    success = table.column("success").unique().to_pylist()
    if len(success) != 1:
        raise damaged(where, f"success {success}", "one answer for the whole episode")
    episode = RecordedEpisode(
        _matrix(table.column("observation"), observation),
        _matrix(table.column("action"), action),
        success[0],
        tuple(table.column("image").to_pylist()) if header.image else None,
    )
    check_episode(episode, header.sizes, header.image, where)
    return episode


def _check_place(table: pa.Table, index: int, header: RecordingHeader, where: str) -> None:
    """Rows belong to this episode, in order, on the grid of the rate."""
    steps = table.num_rows
    if set(table.column("episode_index").to_pylist()) != {index}:
        raise damaged(where, "rows of other episodes", "one row group for each episode, in order")
    frames = table.column("frame_index").to_numpy()
    if not np.array_equal(frames, np.arange(steps)):
        raise damaged(where, "frames that are missing or out of order", "0, 1, 2, … in frame_index")
    periods = table.column("timestamp_s").to_numpy() * header.rate_hz
    off = ~(np.abs(periods - frames) <= _JITTER_PERIODS)
    if off.any():
        frame = int(np.argmax(off))
        raise BadInput(
            where=f"{where}, frame {frame}",
            got=f"timestamp_s {table.column('timestamp_s')[frame].as_py():g}",
            wanted=f"{frame / header.rate_hz:g}, at the {header.rate_hz:g} Hz of the header",
            next_step="record at one rate, or resample before recording",
        )


def _matrix(column: pa.ChunkedArray, size: int) -> Array:
    # What lacks a value becomes NaN here, and is refused as one.
    values: Array = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return values.reshape(-1, size)


def damaged(where: str, got: str, wanted: str) -> BadInput:
    """The refusal of what is not as it was written."""
    return BadInput(
        where=where, got=got, wanted=wanted, next_step="record or convert the demonstrations again"
    )
