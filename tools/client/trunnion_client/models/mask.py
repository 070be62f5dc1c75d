from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="Mask")


@_attrs_define
class Mask:
    """Which pixels of the image belong to it: COCO's run lengths, uncompressed, as pycocotools takes them.

    Attributes:
        size (list[int]): height and width of the image
        counts (list[int]): pixels outside, inside, outside … column by column from the top left; the first may be 0
    """

    size: list[int]
    counts: list[int]

    def to_dict(self) -> dict[str, Any]:
        size = []
        for size_item_data in self.size:
            size_item: int
            size_item = size_item_data
            size.append(size_item)

        counts = self.counts

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "size": size,
                "counts": counts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        size = []
        _size = d.pop("size")
        for size_item_data in _size:

            def _parse_size_item(data: object) -> int:
                return cast(int, data)

            size_item = _parse_size_item(size_item_data)

            size.append(size_item)

        counts = cast(list[int], d.pop("counts"))

        mask = cls(
            size=size,
            counts=counts,
        )

        return mask
