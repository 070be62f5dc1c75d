from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.check import Check


T = TypeVar("T", bound="Health")


@_attrs_define
class Health:
    """`live`: the bridge works. `ready`: an order posted now would start at once or after those before it.

    Attributes:
        live (bool):
        ready (bool):
        checks (list[Check]):
    """

    live: bool
    ready: bool
    checks: list[Check]

    def to_dict(self) -> dict[str, Any]:
        live = self.live

        ready = self.ready

        checks = []
        for checks_item_data in self.checks:
            checks_item = checks_item_data.to_dict()
            checks.append(checks_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "live": live,
                "ready": ready,
                "checks": checks,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.check import Check  # noqa: PLC0415

        d = dict(src_dict)
        live = d.pop("live")

        ready = d.pop("ready")

        checks = []
        _checks = d.pop("checks")
        for checks_item_data in _checks:
            checks_item = Check.from_dict(checks_item_data)

            checks.append(checks_item)

        health = cls(
            live=live,
            ready=ready,
            checks=checks,
        )

        return health
