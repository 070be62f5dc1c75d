from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.detection import Detection


T = TypeVar("T", bound="Detections")


@_attrs_define
class Detections:
    """What the detector sees in the image taken at `stamp_ns`.

    Attributes:
        stamp_ns (int):
        age_ms (int):
        frame (str): the camera's frame in ROS
        items (list[Detection]):
    """

    stamp_ns: int
    age_ms: int
    frame: str
    items: list[Detection]

    def to_dict(self) -> dict[str, Any]:
        stamp_ns = self.stamp_ns

        age_ms = self.age_ms

        frame = self.frame

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "stamp_ns": stamp_ns,
                "age_ms": age_ms,
                "frame": frame,
                "items": items,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.detection import Detection  # noqa: PLC0415

        d = dict(src_dict)
        stamp_ns = d.pop("stamp_ns")

        age_ms = d.pop("age_ms")

        frame = d.pop("frame")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = Detection.from_dict(items_item_data)

            items.append(items_item)

        detections = cls(
            stamp_ns=stamp_ns,
            age_ms=age_ms,
            frame=frame,
            items=items,
        )

        return detections
