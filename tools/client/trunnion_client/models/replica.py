from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.leader import Leader


T = TypeVar("T", bound="Replica")


@_attrs_define
class Replica:
    """One of the bridges that share the orders.

    Attributes:
        name (str):
        leads (bool): whether it talks to the robot; the others show what the leader sees
        leader (Leader | None): null while nobody is known to lead
        age_ms (int | None): age of what the leader sees; null when it says nothing
    """

    name: str
    leads: bool
    leader: Leader | None
    age_ms: int | None

    def to_dict(self) -> dict[str, Any]:
        from ..models.leader import Leader  # noqa: PLC0415

        name = self.name

        leads = self.leads

        leader: dict[str, Any] | None
        if isinstance(self.leader, Leader):
            leader = self.leader.to_dict()
        else:
            leader = self.leader

        age_ms: int | None
        age_ms = self.age_ms

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "leads": leads,
                "leader": leader,
                "age_ms": age_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.leader import Leader  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        leads = d.pop("leads")

        def _parse_leader(data: object) -> Leader | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                leader_type_0 = Leader.from_dict(data)

                return leader_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Leader | None, data)

        leader = _parse_leader(d.pop("leader"))

        def _parse_age_ms(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_ms = _parse_age_ms(d.pop("age_ms"))

        replica = cls(
            name=name,
            leads=leads,
            leader=leader,
            age_ms=age_ms,
        )

        return replica
