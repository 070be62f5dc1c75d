from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.inference_model import InferenceModel
    from ..models.inferred_detection import InferredDetection


T = TypeVar("T", bound="InferenceResult")


@_attrs_define
class InferenceResult:
    """What is in an image, the surest first. All of it is in its pixels, as it was taken: EXIF turns nothing.

    Attributes:
        width_px (int):
        height_px (int):
        confidence (float): the least score
        items (list[InferredDetection]):
        model (InferenceModel): The network that looked at an image, so that its answer can be had again.
        waited_ms (float): before a detector was free
        took_ms (float): to decode, to detect, with those detected at once
    """

    width_px: int
    height_px: int
    confidence: float
    items: list[InferredDetection]
    model: InferenceModel
    waited_ms: float
    took_ms: float

    def to_dict(self) -> dict[str, Any]:
        width_px = self.width_px

        height_px = self.height_px

        confidence = self.confidence

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        model = self.model.to_dict()

        waited_ms = self.waited_ms

        took_ms = self.took_ms

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "width_px": width_px,
                "height_px": height_px,
                "confidence": confidence,
                "items": items,
                "model": model,
                "waited_ms": waited_ms,
                "took_ms": took_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.inference_model import InferenceModel  # noqa: PLC0415
        from ..models.inferred_detection import InferredDetection  # noqa: PLC0415

        d = dict(src_dict)
        width_px = d.pop("width_px")

        height_px = d.pop("height_px")

        confidence = d.pop("confidence")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = InferredDetection.from_dict(items_item_data)

            items.append(items_item)

        model = InferenceModel.from_dict(d.pop("model"))

        waited_ms = d.pop("waited_ms")

        took_ms = d.pop("took_ms")

        inference_result = cls(
            width_px=width_px,
            height_px=height_px,
            confidence=confidence,
            items=items,
            model=model,
            waited_ms=waited_ms,
            took_ms=took_ms,
        )

        return inference_result
