from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.detector_facts_precisions_item import DetectorFactsPrecisionsItem

T = TypeVar("T", bound="DetectorFacts")


@_attrs_define
class DetectorFacts:
    """What the detector takes and tells apart.

    Attributes:
        labels (list[str]):
        image_size_px (int):
        confidence_threshold (float):
        precisions (list[DetectorFactsPrecisionsItem]):
    """

    labels: list[str]
    image_size_px: int
    confidence_threshold: float
    precisions: list[DetectorFactsPrecisionsItem]

    def to_dict(self) -> dict[str, Any]:
        labels = self.labels

        image_size_px = self.image_size_px

        confidence_threshold = self.confidence_threshold

        precisions = []
        for precisions_item_data in self.precisions:
            precisions_item = precisions_item_data.value
            precisions.append(precisions_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "labels": labels,
                "image_size_px": image_size_px,
                "confidence_threshold": confidence_threshold,
                "precisions": precisions,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        labels = cast(list[str], d.pop("labels"))

        image_size_px = d.pop("image_size_px")

        confidence_threshold = d.pop("confidence_threshold")

        precisions = []
        _precisions = d.pop("precisions")
        for precisions_item_data in _precisions:
            precisions_item = DetectorFactsPrecisionsItem(precisions_item_data)

            precisions.append(precisions_item)

        detector_facts = cls(
            labels=labels,
            image_size_px=image_size_px,
            confidence_threshold=confidence_threshold,
            precisions=precisions,
        )

        return detector_facts
