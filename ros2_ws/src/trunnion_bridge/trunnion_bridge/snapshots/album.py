"""Keeps snapshots in a folder, each as a JPEG with a JSON beside it. A snapshot is there when its JSON is.

There are at most so many, of at most so many bytes together: then one must be deleted before the next is taken, because
what somebody wanted to keep is not to vanish by itself.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from trunnion_bridge.camera import Picture
from trunnion_bridge.problem import Refused
from trunnion_bridge.snapshots.models import Snapshot
from trunnion_contract.files import whole_file

ID = re.compile(r"[0-9]{13}-[0-9a-f]{8}")


class Album:
    """The snapshots of one bridge. Thread-safe; reads and writes files: keep it off the event loop."""

    def __init__(
        self, folder: Path, count_max: int, bytes_max: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._clock = clock
        self._writing = threading.Lock()

    def keep(self, picture: Picture, facts: Callable[[str, float], Snapshot]) -> Snapshot:
        """Keep a picture; `facts` makes its description from id and time.

        Raises:
            Refused: there is no more room.
        """
        now_s = self._clock()
        with self._writing:
            self._check_room(len(picture.jpeg))
            snapshot = facts(f"{int(now_s * 1000):013d}-{secrets.token_hex(4)}", now_s)
            with whole_file(self._jpeg(snapshot.id)) as temporary:
                temporary.write_bytes(picture.jpeg)
            with whole_file(self._json(snapshot.id)) as temporary:
                temporary.write_text(snapshot.model_dump_json())
        return snapshot

    def page(self, limit: int, before: str | None = None) -> list[Snapshot]:
        """Up to `limit` snapshots, newest first, older than the one called `before`."""
        ids = sorted((id_ for id_ in self._ids() if before is None or id_ < before), reverse=True)
        found: list[Snapshot] = []
        for id_ in ids:
            if len(found) < limit and (snapshot := self.get(id_)):
                found.append(snapshot)
        return found

    def get(self, snapshot_id: str) -> Snapshot | None:
        """A snapshot, None where there is none."""
        text = self._read(self._json, snapshot_id)
        try:
            return Snapshot.model_validate_json(text) if text else None
        except ValidationError:  # somebody else's file
            return None

    def jpeg(self, snapshot_id: str) -> bytes | None:
        """Its picture, None where there is none."""
        return self._read(self._jpeg, snapshot_id) if self.get(snapshot_id) else None

    def delete(self, snapshot_id: str) -> bool:
        """Delete a snapshot; False where there is none."""
        with self._writing:
            if not ID.fullmatch(snapshot_id) or not self._json(snapshot_id).is_file():
                return False
            self._json(snapshot_id).unlink()
            self._jpeg(snapshot_id).unlink(missing_ok=True)
            return True

    def _check_room(self, more_bytes: int) -> None:
        pictures = list(self._folder.glob("*.jpg"))
        for picture in pictures:
            if not picture.with_suffix(".json").exists():  # the bridge died between the two
                picture.unlink()
        sizes = [picture.stat().st_size for picture in pictures if picture.exists()]
        if len(sizes) < self._count_max and sum(sizes) + more_bytes <= self._bytes_max:
            return
        raise Refused(
            "snapshots-full",
            where="snapshots",
            got=f"{len(sizes)} that are kept, of {sum(sizes)} bytes",
            wanted=f"fewer than {self._count_max}, of at most {self._bytes_max} bytes together",
            next_step="delete some with DELETE /v1/snapshots/{id}",
        )

    def _ids(self) -> list[str]:
        return [file.stem for file in self._folder.glob("*.json") if ID.fullmatch(file.stem)]

    def _read(self, place: Callable[[str], Path], snapshot_id: str) -> bytes | None:
        if not ID.fullmatch(snapshot_id):  # it may come from anybody, and be a path
            return None
        try:
            return place(snapshot_id).read_bytes()
        except FileNotFoundError:
            return None

    def _jpeg(self, snapshot_id: str) -> Path:
        return self._folder / f"{snapshot_id}.jpg"

    def _json(self, snapshot_id: str) -> Path:
        return self._folder / f"{snapshot_id}.json"
