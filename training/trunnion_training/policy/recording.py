"""Demonstrations in one Parquet file: written whole or not at all, streamed by episode, checked when they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json, whole_file
from trunnion_contract.manifest import Entry
from trunnion_contract.strict import json_value, parse
from trunnion_training.policy.demonstrations import Demonstrations, Episode
from trunnion_training.policy.description import described
from trunnion_training.policy.environment import Task, open_environment
from trunnion_training.policy.recorded_episode import RecordedEpisode, check_episode
from trunnion_training.policy.recording_form import (
    CONTENTS_KEY,
    HEADER_KEY,
    SCHEMA,
    Contents,
    RecordingHeader,
    damaged,
    episode_of,
    schema_of,
    table_of,
)


@dataclass(frozen=True)
class Recording:
    """A recording that was opened: its header is valid, its episodes are checked while they are read."""

    path: Path
    header: RecordingHeader
    contents: Contents

    def episodes(self) -> Iterator[RecordedEpisode]:
        """One episode after the other; what follows the last one is the check of the digest.

        Raises:
            BadInput: the file is damaged, or a row is not what the header promises.
        """
        digest, steps = _begun(self.header), 0
        with _opened(self.path) as file:
            for index in range(file.num_row_groups):
                where = f"{self.path}: episode {index}"
                episode = episode_of(_rows(file, index, where), index, self.header, where)
                episode.feed(digest)
                steps += len(episode.actions)
                yield episode
        got = Contents(episodes=index + 1 if steps else 0, steps=steps, sha256=digest.hexdigest())
        if got != self.contents:
            raise damaged(
                str(self.path),
                f"contents {got.sha256[:12]} ({got.episodes} episodes, {steps} steps)",
                f"{self.contents.sha256[:12]} ({self.contents.episodes} episodes, "
                f"{self.contents.steps} steps), as it was written",
            )

    def demonstrations(self) -> Demonstrations:
        """The episodes that did not fail, to learn from; images are left out.

        Raises:
            BadInput: as for `episodes`.
        """
        kept = [Episode(e.observations, e.actions) for e in self.episodes() if e.success is not False]
        return Demonstrations(tuple(kept), self.contents.episodes)


def write_recording(path: Path, header: RecordingHeader, episodes: Iterable[RecordedEpisode]) -> Contents:
    """Write episodes as they come, whole or not at all.

    Raises:
        BadInput: an episode is not what the header promises; what stood under `path` still stands.
    """
    digest, count, steps = _begun(header), 0, 0
    with (
        whole_file(path) as temporary,
        pq.ParquetWriter(
            temporary, schema_of(header), compression="zstd", write_page_checksum=True
        ) as writer,
    ):
        for index, episode in enumerate(episodes):
            check_episode(episode, header.sizes, header.image, f"{path}: episode {index}")
            writer.write_table(table_of(episode, index, header), row_group_size=len(episode.actions))
            episode.feed(digest)
            count, steps = count + 1, steps + len(episode.actions)
        contents = Contents(episodes=count, steps=steps, sha256=digest.hexdigest())
        writer.add_key_value_metadata(
            {HEADER_KEY: header.model_dump_json(by_alias=True), CONTENTS_KEY: contents.model_dump_json()}
        )
    return contents


def open_recording(path: Path) -> Recording:
    """Open a recording and check its header and columns.

    Raises:
        BadInput: there is no such file, it is cut or no recording, of another schema, or a column is missing or of
            another type.
    """
    with _opened(path) as file:
        metadata = file.metadata.metadata or {}
        if HEADER_KEY not in metadata or CONTENTS_KEY not in metadata:
            raise damaged(
                str(path),
                "Parquet without the header of a recording",
                "demonstrations that Trunnion recorded",
            )
        header = _header(json_value(metadata[HEADER_KEY], str(path)), path)
        contents = parse(Contents, json_value(metadata[CONTENTS_KEY], str(path)), f"{path}: contents")
        _check_columns(file.schema_arrow, schema_of(header), path)
    return Recording(path, header, contents)


def header_in(task: Task, seed: int | None = None) -> RecordingHeader:
    """What a recording of a task says of itself.

    Raises:
        BadInput: the environment does not fit.
    """
    env = open_environment(task)
    description = described(env)
    env.close()
    return RecordingHeader(
        schema=1,
        env=task.env_id,
        env_package=task.package,
        rate_hz=description.rate_hz,
        observation=description.observation_entries,
        action=description.action_entries,
        seed=seed,
    )


def recorded_demonstrations(path: Path, task: Task) -> Demonstrations:
    """The demonstrations in a recording of `task`, to learn from.

    Raises:
        BadInput: as for `open_recording` and `Recording.episodes`; or they were recorded at another rate, or with other
            entries, than the environment has.
    """
    recording = open_recording(path)
    header, found = recording.header, header_in(task)
    for what, got, wanted in (
        ("rate", f"{header.rate_hz:g} Hz", f"{found.rate_hz:g} Hz"),
        ("observation", _named(header.observation), _named(found.observation)),
        ("action", _named(header.action), _named(found.action)),
    ):
        if got != wanted:
            raise BadInput(
                where=f"{path}: {what}",
                got=got,
                wanted=f"{wanted}, as {task.env_id} has it",
                next_step="record demonstrations in this environment, or name the environment that they are of",
            )
    return recording.demonstrations()


def _header(value: Any, path: Path) -> RecordingHeader:
    """Another schema is said before what else differs because of it."""
    got = value.get("schema") if isinstance(value, dict) else None
    if got is not None and got != SCHEMA:
        raise BadInput(
            where=f"{path}: schema",
            got=f"version {got}",
            wanted=f"version {SCHEMA}",
            next_step="read it with the Trunnion that wrote it, or record again",
        )
    return parse(RecordingHeader, value, f"{path}: header")


def _check_columns(got: pa.Schema, wanted: pa.Schema, path: Path) -> None:
    missing = [name for name in wanted.names if name not in got.names]
    unknown = [name for name in got.names if name not in wanted.names]
    if missing or unknown:
        raise damaged(
            str(path),
            "; ".join(
                f"{what} {', '.join(names)}" for what, names in (("no", missing), ("also", unknown)) if names
            ),
            f"the columns {', '.join(wanted.names)}",
        )
    for field in wanted:
        if (kind := got.field(field.name).type) != field.type:
            raise damaged(str(path), f"'{field.name}' as {kind}", f"{field.type}, as the header says")


def _opened(path: Path) -> pq.ParquetFile:
    if not path.is_file():
        raise BadInput(where=str(path), got="no such file", wanted="a recording", next_step="check the path")
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise damaged(
            str(path), f"a file that is cut or no Parquet ({_first_line(error)})", "a recording"
        ) from None


def _begun(header: RecordingHeader) -> hashlib._Hash:
    """The digest of a recording that has no episodes yet."""
    return hashlib.sha256(digest_json(header.model_dump(mode="json", by_alias=True)).encode())


def _rows(file: pq.ParquetFile, index: int, where: str) -> pa.Table:
    try:
        return file.read_row_group(index)
    except (pa.ArrowException, OSError) as error:
        raise damaged(where, _first_line(error), "the rows that were written") from None


def _named(entries: tuple[Entry, ...]) -> str:
    return ", ".join(f"{entry.name}[{entry.size}] {entry.unit}" for entry in entries)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
