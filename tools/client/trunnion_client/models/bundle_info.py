from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.cell_layout import CellLayout


T = TypeVar("T", bound="BundleInfo")


@_attrs_define
class BundleInfo:
    """The bundle that the cell runs, and what can be ordered from it.

    Attributes:
        name (str):
        version (str):
        digest (str):
        parts (list[str]):
        bins (list[str]):
        order_parts_max (int): most parts in one order, over all its lines
        layout (CellLayout): Everything about the cell that is measured once and that robot, simulator and executive
            must agree on.
    """

    name: str
    version: str
    digest: str
    parts: list[str]
    bins: list[str]
    order_parts_max: int
    layout: CellLayout

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        version = self.version

        digest = self.digest

        parts = self.parts

        bins = self.bins

        order_parts_max = self.order_parts_max

        layout = self.layout.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "version": version,
                "digest": digest,
                "parts": parts,
                "bins": bins,
                "order_parts_max": order_parts_max,
                "layout": layout,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.cell_layout import CellLayout  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        version = d.pop("version")

        digest = d.pop("digest")

        parts = cast(list[str], d.pop("parts"))

        bins = cast(list[str], d.pop("bins"))

        order_parts_max = d.pop("order_parts_max")

        layout = CellLayout.from_dict(d.pop("layout"))

        bundle_info = cls(
            name=name,
            version=version,
            digest=digest,
            parts=parts,
            bins=bins,
            order_parts_max=order_parts_max,
            layout=layout,
        )

        return bundle_info
