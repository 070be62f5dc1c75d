from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="CameraLayout")


@_attrs_define
class CameraLayout:
    """A fixed pinhole camera without distortion.

    Attributes:
        width_px (int):
        height_px (int):
        vertical_field_of_view_deg (float):
        position_base_m (list[float]):
        look_at_base_m (list[float]):
        image_up_base (list[float] | Unset):
    """

    width_px: int
    height_px: int
    vertical_field_of_view_deg: float
    position_base_m: list[float]
    look_at_base_m: list[float]
    image_up_base: list[float] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        width_px = self.width_px

        height_px = self.height_px

        vertical_field_of_view_deg = self.vertical_field_of_view_deg

        position_base_m = []
        for position_base_m_item_data in self.position_base_m:
            position_base_m_item: float
            position_base_m_item = position_base_m_item_data
            position_base_m.append(position_base_m_item)

        look_at_base_m = []
        for look_at_base_m_item_data in self.look_at_base_m:
            look_at_base_m_item: float
            look_at_base_m_item = look_at_base_m_item_data
            look_at_base_m.append(look_at_base_m_item)

        image_up_base: list[float] | Unset = UNSET
        if not isinstance(self.image_up_base, Unset):
            image_up_base = []
            for image_up_base_item_data in self.image_up_base:
                image_up_base_item: float
                image_up_base_item = image_up_base_item_data
                image_up_base.append(image_up_base_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "width_px": width_px,
                "height_px": height_px,
                "vertical_field_of_view_deg": vertical_field_of_view_deg,
                "position_base_m": position_base_m,
                "look_at_base_m": look_at_base_m,
            }
        )
        if image_up_base is not UNSET:
            field_dict["image_up_base"] = image_up_base

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        width_px = d.pop("width_px")

        height_px = d.pop("height_px")

        vertical_field_of_view_deg = d.pop("vertical_field_of_view_deg")

        position_base_m = []
        _position_base_m = d.pop("position_base_m")
        for position_base_m_item_data in _position_base_m:

            def _parse_position_base_m_item(data: object) -> float:
                return cast(float, data)

            position_base_m_item = _parse_position_base_m_item(position_base_m_item_data)

            position_base_m.append(position_base_m_item)

        look_at_base_m = []
        _look_at_base_m = d.pop("look_at_base_m")
        for look_at_base_m_item_data in _look_at_base_m:

            def _parse_look_at_base_m_item(data: object) -> float:
                return cast(float, data)

            look_at_base_m_item = _parse_look_at_base_m_item(look_at_base_m_item_data)

            look_at_base_m.append(look_at_base_m_item)

        _image_up_base = d.pop("image_up_base", UNSET)
        image_up_base: list[float] | Unset = UNSET
        if _image_up_base is not UNSET:
            image_up_base = []
            for image_up_base_item_data in _image_up_base:

                def _parse_image_up_base_item(data: object) -> float:
                    return cast(float, data)

                image_up_base_item = _parse_image_up_base_item(image_up_base_item_data)

                image_up_base.append(image_up_base_item)

        camera_layout = cls(
            width_px=width_px,
            height_px=height_px,
            vertical_field_of_view_deg=vertical_field_of_view_deg,
            position_base_m=position_base_m,
            look_at_base_m=look_at_base_m,
            image_up_base=image_up_base,
        )

        return camera_layout
