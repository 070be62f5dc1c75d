"""Exports of Labelbox: NDJSON (export v2), a line for each data row, boxes and outlines in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from trunnion_training.sources.export import (
    Annotated,
    Corners,
    ExportSource,
    around,
    as_dict,
    json_or_none,
    rows,
)
from trunnion_training.sources.folder import number


class LabelboxSource(ExportSource):
    """Objects of all projects; of several labels in one, the first, which Labelbox takes for the best."""

    kind = "labelbox"
    suffixes = (".ndjson", ".jsonl")
    wanted = "Labelbox's export v2 as NDJSON (lines with `data_row` and `projects`)"

    def annotated(self, text: str, file: Path) -> Iterator[Annotated]:
        """The lines of a file; one that is damaged is a finding, a file without any other is refused."""
        usable = 0
        for number_of_line, line in enumerate(text.splitlines(), 1):
            row = as_dict(json_or_none(line)) if line.strip() else {}
            if "data_row" in row:
                usable += 1
                yield self._row(row)
            elif line.strip():
                self.found(file, "a line that is no data row", "line left out", f"line {number_of_line}")
        if not usable:
            self.refuse(file, "no line with a data row")

    def _row(self, row: dict[str, Any]) -> Annotated:
        data, media = as_dict(row["data_row"]), as_dict(row.get("media_attributes"))
        size = number(media.get("width")), number(media.get("height"))
        labels = [
            first for project in as_dict(row.get("projects")).values() if (first := _first_label(project))
        ]
        item = Annotated(
            _names(data), size if size[0] > 0 and size[1] > 0 else None, is_labelled=bool(labels)
        )
        for label in labels:
            for thing in rows(as_dict(label.get("annotations")).get("objects")):
                self._add(thing, item)
        return item

    def _add(self, thing: dict[str, Any], item: Annotated) -> None:
        corners = _corners(thing)
        if corners is None:
            kind = str(thing.get("annotation_kind"))
            self.found(item.names[0] if item.names else "", "object without a box", "object left out", kind)
        else:
            item.add(corners, str(thing.get("name") or thing.get("value")))


def _first_label(project: Any) -> dict[str, Any] | None:
    labels = rows(as_dict(project).get("labels"))
    return labels[0] if labels else None


def _corners(thing: dict[str, Any]) -> Corners | None:
    if isinstance(thing.get("bounding_box"), dict):
        x, y, w, h = (number(thing["bounding_box"].get(key)) for key in ("left", "top", "width", "height"))
        return x, y, x + w, y + h
    if isinstance(thing.get("polygon"), list):
        return around([(number(point.get("x")), number(point.get("y"))) for point in rows(thing["polygon"])])
    return None


def _names(data: dict[str, Any]) -> list[str]:
    names = [data["external_id"]] if isinstance(data.get("external_id"), str) else []
    if isinstance(data.get("row_data"), str):
        with suppress(ValueError):
            names.append(PurePosixPath(unquote(urlsplit(data["row_data"]).path)).name)
    return [name for name in names if name]
