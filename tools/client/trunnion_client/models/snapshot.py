from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.detections import Detections


T = TypeVar("T", bound="Snapshot")


@_attrs_define
class Snapshot:
    """An image that was kept, and the latest detections at that moment, with the stamp of the image they are of.

    Attributes:
        id (str): grows with time
        taken_at (datetime.datetime):
        stamp_ns (int): the camera's
        note (str):
        by (str): who took it
        order_id (None | str): the order that ran
        model (str): digest of the bundle that the bridge was started on
        size_bytes (int): of the JPEG
        detections (Detections | None):
    """

    id: str
    taken_at: datetime.datetime
    stamp_ns: int
    note: str
    by: str
    order_id: None | str
    model: str
    size_bytes: int
    detections: Detections | None

    def to_dict(self) -> dict[str, Any]:
        from ..models.detections import Detections  # noqa: PLC0415

        id = self.id

        taken_at = self.taken_at.isoformat()

        stamp_ns = self.stamp_ns

        note = self.note

        by = self.by

        order_id: None | str
        order_id = self.order_id

        model = self.model

        size_bytes = self.size_bytes

        detections: dict[str, Any] | None
        if isinstance(self.detections, Detections):
            detections = self.detections.to_dict()
        else:
            detections = self.detections

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "taken_at": taken_at,
                "stamp_ns": stamp_ns,
                "note": note,
                "by": by,
                "order_id": order_id,
                "model": model,
                "size_bytes": size_bytes,
                "detections": detections,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.detections import Detections  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        taken_at = datetime.datetime.fromisoformat(d.pop("taken_at"))

        stamp_ns = d.pop("stamp_ns")

        note = d.pop("note")

        by = d.pop("by")

        def _parse_order_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        order_id = _parse_order_id(d.pop("order_id"))

        model = d.pop("model")

        size_bytes = d.pop("size_bytes")

        def _parse_detections(data: object) -> Detections | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                detections_type_0 = Detections.from_dict(data)

                return detections_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Detections | None, data)

        detections = _parse_detections(d.pop("detections"))

        snapshot = cls(
            id=id,
            taken_at=taken_at,
            stamp_ns=stamp_ns,
            note=note,
            by=by,
            order_id=order_id,
            model=model,
            size_bytes=size_bytes,
            detections=detections,
        )

        return snapshot
