"""Demonstrations read from a LeRobotDataset v3, straight from its Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

from trunnion_contract.strict import parse
from trunnion_training.policy.exchange import lerobot_layout as layout
from trunnion_training.policy.exchange.demonstrated import Demonstrated, Wishes, unreadable
from trunnion_training.policy.exchange.lerobot_description import (
    Columns,
    Info,
    columns_of,
    header_of,
    read_info,
)
from trunnion_training.policy.recorded_episode import Array, ImageForm, RecordedEpisode, check_episode
from trunnion_training.policy.recording_form import RecordingHeader

# How far a frame's time may lie from the grid; LeRobot keeps it in single precision.
_JITTER_PERIODS = 0.1
_COUNTED = ("timestamp", "frame_index", "episode_index", "index", "task_index")


def is_lerobot(path: Path) -> bool:
    """Whether a folder holds a LeRobotDataset."""
    return (path / layout.INFO).is_file()


def read_lerobot(folder: Path, wishes: Wishes) -> Demonstrated:
    """Read a LeRobotDataset v3. Numbers become single precision; tasks and rewards are left out, and named.

    Raises:
        BadInput: it is of another version, cut, or holds what a recording cannot.
    """
    info = read_info(folder)
    columns = columns_of(info, folder, without_images=wishes.without_images)
    image = _image_form(folder, columns.image) if columns.image else None
    header = header_of(folder, info, columns, image)
    taken = {*columns.observed, columns.image, layout.ACTION, layout.SUCCESS, *_COUNTED}
    left_out = tuple(sorted(set(info.features) - taken))
    return Demonstrated(header, _episodes(folder, info, columns, header), left_out)


def _episodes(
    folder: Path, info: Info, columns: Columns, header: RecordingHeader
) -> Iterator[RecordedEpisode]:
    """One data file at a time; an episode never goes over the end of one."""
    said, episodes, frames = _said_success(folder), 0, 0
    for file in _files(folder, "data"):
        table = _table(file, columns)
        for rows in _by_episode(table):
            where = f"{folder}: episode {episodes}"
            if (got := rows.column("episode_index")[0].as_py()) != episodes:
                raise unreadable(where, f"episode {got} in its place", "episodes in order, none missing")
            _check_times(rows, info.fps, where)
            success = said[episodes] if said and episodes in said else _seen_success(rows)
            episode = _episode(rows, columns, success, where)
            check_episode(episode, header.sizes, header.image, where)
            yield episode
            episodes, frames = episodes + 1, frames + rows.num_rows
    if (episodes, frames) != (info.total_episodes, info.total_frames):
        raise unreadable(
            folder,
            f"{episodes} episodes of {frames} frames",
            f"{info.total_episodes} of {info.total_frames}, as {layout.INFO} says",
        )


def _files(folder: Path, part: str) -> list[Path]:
    return sorted((folder / part).glob("*/*.parquet"))


def _table(file: Path, columns: Columns) -> pa.Table:
    wanted = {*columns.observed, layout.ACTION, "timestamp", "frame_index", "episode_index"}
    wanted |= {columns.image} if columns.image else set()
    try:
        table = pq.read_table(file, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(
            file, f"a file that is cut or no Parquet ({_first_line(error)})", "a whole file"
        ) from None
    if missing := sorted(wanted - set(table.column_names)):
        raise unreadable(file, f"no {', '.join(missing)}", f"the columns of {layout.INFO}")
    return table


def _by_episode(table: pa.Table) -> Iterator[pa.Table]:
    indices = table.column("episode_index").to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(indices)) + 1).tolist()] if len(indices) else []
    for start, end in zip(starts, [*starts[1:], len(indices)], strict=True):
        yield table.slice(start, end - start)


def _episode(rows: pa.Table, columns: Columns, success: bool | None, where: str) -> RecordedEpisode:
    observed = [_matrix(rows, key, where) for key in columns.observed]
    images = tuple(_bytes(rows.column(columns.image), where)) if columns.image else None
    return RecordedEpisode(np.hstack(observed), _matrix(rows, layout.ACTION, where), success, images)


def _said_success(folder: Path) -> dict[int, bool | None] | None:
    """What our own writer noted of each episode; None where another one wrote."""
    said: dict[int, bool | None] = {}
    for file in _files(folder, "meta/episodes"):
        try:
            if "success" not in pq.read_schema(file).names:
                return None
            table = pq.read_table(file, columns=["episode_index", "success"], partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(
                file, f"a file that is cut or no Parquet ({_first_line(error)})", "a whole file"
            ) from None
        said |= dict(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    return said


def _seen_success(rows: pa.Table) -> bool | None:
    """Whether a frame is marked as success; None where frames are not marked."""
    if layout.SUCCESS not in rows.column_names:
        return None
    return any(rows.column(layout.SUCCESS).to_pylist())


def _check_times(rows: pa.Table, fps: float, where: str) -> None:
    frames = np.arange(rows.num_rows)
    if not np.array_equal(rows.column("frame_index").to_numpy(), frames):
        raise unreadable(where, "frames that are missing or out of order", "0, 1, 2, … in frame_index")
    periods = rows.column("timestamp").to_numpy().astype(np.float64) * fps
    off = ~(np.abs(periods - frames) <= _JITTER_PERIODS)
    if off.any():
        frame = int(np.argmax(off))
        raise unreadable(
            f"{where}, frame {frame}",
            f"timestamp {periods[frame] / fps:g} s",
            f"{frame / fps:g} s, at the {fps:g} Hz of {layout.INFO}",
            "correct fps, or record at one rate",
        )


def _matrix(rows: pa.Table, key: str, where: str) -> Array:
    """float32 [T, n]; one number stands alone in LeRobot, several are a list."""
    column = rows.column(key).combine_chunks()
    alone = not (pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type))
    values = (column if alone else column.flatten()).to_numpy(zero_copy_only=False)
    try:
        return np.asarray(values, np.float32).reshape(rows.num_rows, 1 if alone else -1)
    except (TypeError, ValueError):
        raise unreadable(
            f"{where}: {key}", f"{len(values)} values of {column.type}", "as many in every frame"
        ) from None


def _bytes(column: pa.ChunkedArray, where: str) -> list[bytes]:
    """Pictures that lie in the Parquet itself, as LeRobot embeds them."""
    rows = column.to_pylist()
    data = [row.get("bytes") if isinstance(row, dict) else None for row in rows]
    if not all(data):
        raise unreadable(where, "pictures outside of the Parquet", "pictures that are embedded in it")
    return data  # type: ignore[return-value]  # none is None


def _image_form(folder: Path, key: str) -> ImageForm:
    """The form of the first picture, which all others must have too."""
    for file in _files(folder, "data")[:1]:
        rows = _table(file, Columns((), key)).slice(0, 1)
        if rows.num_rows:
            return _form_of(_bytes(rows.column(key), f"{file}: {key}")[0], f"{file}: {key}")
    raise unreadable(folder, "no frames", f"pictures of {key}")


def _form_of(data: bytes, where: str) -> ImageForm:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            form = {
                "encoding": (picture.format or "").lower(),
                "width_px": picture.width,
                "height_px": picture.height,
            }
    except (UnidentifiedImageError, OSError):
        raise unreadable(where, "bytes that are no picture", "PNG or JPEG") from None
    return parse(ImageForm, form, where)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
