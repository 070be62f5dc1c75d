from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="Detection")


@_attrs_define
class Detection:
    """One part that the detector sees; the box is x1 y1 x2 y2 in pixels of the camera image.

    Attributes:
        label (str):
        score (float):
        box_px (list[float]):
    """

    label: str
    score: float
    box_px: list[float]

    def to_dict(self) -> dict[str, Any]:
        label = self.label

        score = self.score

        box_px = []
        for box_px_item_data in self.box_px:
            box_px_item: float
            box_px_item = box_px_item_data
            box_px.append(box_px_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "label": label,
                "score": score,
                "box_px": box_px,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        label = d.pop("label")

        score = d.pop("score")

        box_px = []
        _box_px = d.pop("box_px")
        for box_px_item_data in _box_px:

            def _parse_box_px_item(data: object) -> float:
                return cast(float, data)

            box_px_item = _parse_box_px_item(box_px_item_data)

            box_px.append(box_px_item)

        detection = cls(
            label=label,
            score=score,
            box_px=box_px,
        )

        return detection
