from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="BinLayout")


@_attrs_define
class BinLayout:
    """A bin; the gripper opens at `drop_base_m`.

    Attributes:
        center_base_m (list[float]):
        size_m (list[float]):
        drop_base_m (list[float]):
    """

    center_base_m: list[float]
    size_m: list[float]
    drop_base_m: list[float]

    def to_dict(self) -> dict[str, Any]:
        center_base_m = []
        for center_base_m_item_data in self.center_base_m:
            center_base_m_item: float
            center_base_m_item = center_base_m_item_data
            center_base_m.append(center_base_m_item)

        size_m = []
        for size_m_item_data in self.size_m:
            size_m_item: float
            size_m_item = size_m_item_data
            size_m.append(size_m_item)

        drop_base_m = []
        for drop_base_m_item_data in self.drop_base_m:
            drop_base_m_item: float
            drop_base_m_item = drop_base_m_item_data
            drop_base_m.append(drop_base_m_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "center_base_m": center_base_m,
                "size_m": size_m,
                "drop_base_m": drop_base_m,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        center_base_m = []
        _center_base_m = d.pop("center_base_m")
        for center_base_m_item_data in _center_base_m:

            def _parse_center_base_m_item(data: object) -> float:
                return cast(float, data)

            center_base_m_item = _parse_center_base_m_item(center_base_m_item_data)

            center_base_m.append(center_base_m_item)

        size_m = []
        _size_m = d.pop("size_m")
        for size_m_item_data in _size_m:

            def _parse_size_m_item(data: object) -> float:
                return cast(float, data)

            size_m_item = _parse_size_m_item(size_m_item_data)

            size_m.append(size_m_item)

        drop_base_m = []
        _drop_base_m = d.pop("drop_base_m")
        for drop_base_m_item_data in _drop_base_m:

            def _parse_drop_base_m_item(data: object) -> float:
                return cast(float, data)

            drop_base_m_item = _parse_drop_base_m_item(drop_base_m_item_data)

            drop_base_m.append(drop_base_m_item)

        bin_layout = cls(
            center_base_m=center_base_m,
            size_m=size_m,
            drop_base_m=drop_base_m,
        )

        return bin_layout
