"""Exports of Label Studio: JSON, a list of tasks with rectangles and outlines in hundredths of the image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from trunnion_training.sources.export import (
    Annotated,
    Corners,
    ExportSource,
    around,
    as_dict,
    json_or_none,
    rows,
    turned,
)
from trunnion_training.sources.folder import number

_OBJECTS = {"rectanglelabels": "rectanglelabels", "polygonlabels": "polygonlabels"}
# Uploads get eight hexadecimal digits before their name.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")


class LabelStudioSource(ExportSource):
    """Of a task that was annotated more than once, the one marked as ground truth counts, else the newest."""

    kind = "label_studio"
    suffixes = (".json",)
    wanted = "Label Studio's export as JSON (a list of tasks with `data` and `annotations`; not JSON-MIN)"

    def annotated(self, text: str, file: Path) -> Iterator[Annotated]:
        """The tasks of a file."""
        tasks = json_or_none(text)
        if not isinstance(tasks, list) or not all("data" in as_dict(task) for task in tasks):
            self.refuse(file, "JSON of another form" if tasks is not None else "text that is not JSON")
        for task in tasks:
            yield self._task(task)

    def _task(self, task: dict[str, Any]) -> Annotated:
        names = _names(as_dict(task["data"]))
        done = [row for row in rows(task.get("annotations")) if row.get("was_cancelled") is not True]
        item = Annotated(names, is_labelled=bool(done))
        if len(done) > 1:
            self.found(
                names[0] if names else "", "image annotated by several", "ground truth or newest taken"
            )
        if done:
            chosen = max(done, key=lambda row: (row.get("ground_truth") is True, str(row.get("updated_at"))))
            for result in rows(chosen.get("result")):
                self._add(result, item)
        return item

    def _add(self, result: dict[str, Any], item: Annotated) -> None:
        value, kind = as_dict(result.get("value")), str(result.get("type"))
        size = number(result.get("original_width")), number(result.get("original_height"))
        labels = value.get(kind)
        if kind not in _OBJECTS or not isinstance(labels, list) or not labels:
            self.found(item.names[0] if item.names else "", "object without a box", "object left out", kind)
            return
        if size[0] > 0 and size[1] > 0:
            item.size_px = size
        item.add(_corners(value, size), str(labels[0]))


def _corners(value: dict[str, Any], size: tuple[float, float]) -> Corners:
    if "points" in value:
        points = (
            [point for point in value["points"] if isinstance(point, list) and len(point) == 2]
            if isinstance(value["points"], list)
            else []
        )
        return around([(number(x) / 100 * size[0], number(y) / 100 * size[1]) for x, y in points])
    x, y, w, h = (number(value.get(key)) / 100 for key in ("x", "y", "width", "height"))
    corners = (x * size[0], y * size[1], (x + w) * size[0], (y + h) * size[1])
    return turned(corners, number(value.get("rotation", 0)), corners[:2])


def _names(data: dict[str, Any]) -> list[str]:
    """Where the image of a task may lie: as named, without the folders of the tool, without the mark of an upload."""
    texts = [value for value in (data.get("image"), *data.values()) if isinstance(value, str)]
    if not texts:
        return []
    try:
        parts = urlsplit(texts[0])
    except ValueError:
        return [texts[0]]
    local = parse_qs(parts.query).get("d", [])
    path = local[0] if local else unquote(parts.path).lstrip("/")
    name = PurePosixPath(path).name
    return [path, name, _UPLOADED.sub("", name)] if name else [texts[0]]
