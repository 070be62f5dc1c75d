from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Keypoint")


@_attrs_define
class Keypoint:
    """A point of it, in pixels of the image, not always inside.

    Attributes:
        name (str):
        x_px (float):
        y_px (float):
        visibility (float): how surely it is seen, in [0, 1]
    """

    name: str
    x_px: float
    y_px: float
    visibility: float

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        x_px = self.x_px

        y_px = self.y_px

        visibility = self.visibility

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "x_px": x_px,
                "y_px": y_px,
                "visibility": visibility,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        x_px = d.pop("x_px")

        y_px = d.pop("y_px")

        visibility = d.pop("visibility")

        keypoint = cls(
            name=name,
            x_px=x_px,
            y_px=y_px,
            visibility=visibility,
        )

        return keypoint
