from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.keypoint import Keypoint
    from ..models.mask import Mask


T = TypeVar("T", bound="InferredDetection")


@_attrs_define
class InferredDetection:
    """A detection with what else the model says of it.

    Attributes:
        label (str):
        score (float):
        box_px (list[float]):
        mask (Mask | None | Unset): null unless the model segments
        keypoints (list[Keypoint] | None | Unset): null unless the model is one of poses
    """

    label: str
    score: float
    box_px: list[float]
    mask: Mask | None | Unset = UNSET
    keypoints: list[Keypoint] | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.mask import Mask  # noqa: PLC0415

        label = self.label

        score = self.score

        box_px = []
        for box_px_item_data in self.box_px:
            box_px_item: float
            box_px_item = box_px_item_data
            box_px.append(box_px_item)

        mask: dict[str, Any] | None | Unset
        if isinstance(self.mask, Unset):
            mask = UNSET
        elif isinstance(self.mask, Mask):
            mask = self.mask.to_dict()
        else:
            mask = self.mask

        keypoints: list[dict[str, Any]] | None | Unset
        if isinstance(self.keypoints, Unset):
            keypoints = UNSET
        elif isinstance(self.keypoints, list):
            keypoints = []
            for keypoints_type_0_item_data in self.keypoints:
                keypoints_type_0_item = keypoints_type_0_item_data.to_dict()
                keypoints.append(keypoints_type_0_item)

        else:
            keypoints = self.keypoints

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "label": label,
                "score": score,
                "box_px": box_px,
            }
        )
        if mask is not UNSET:
            field_dict["mask"] = mask
        if keypoints is not UNSET:
            field_dict["keypoints"] = keypoints

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.keypoint import Keypoint  # noqa: PLC0415
        from ..models.mask import Mask  # noqa: PLC0415

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

        def _parse_mask(data: object) -> Mask | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                mask_type_0 = Mask.from_dict(data)

                return mask_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Mask | None | Unset, data)

        mask = _parse_mask(d.pop("mask", UNSET))

        def _parse_keypoints(data: object) -> list[Keypoint] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                keypoints_type_0 = []
                _keypoints_type_0 = data
                for keypoints_type_0_item_data in _keypoints_type_0:
                    keypoints_type_0_item = Keypoint.from_dict(keypoints_type_0_item_data)

                    keypoints_type_0.append(keypoints_type_0_item)

                return keypoints_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Keypoint] | None | Unset, data)

        keypoints = _parse_keypoints(d.pop("keypoints", UNSET))

        inferred_detection = cls(
            label=label,
            score=score,
            box_px=box_px,
            mask=mask,
            keypoints=keypoints,
        )

        return inferred_detection
