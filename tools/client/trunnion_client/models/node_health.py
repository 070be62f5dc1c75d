from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.node_health_state import NodeHealthState

T = TypeVar("T", bound="NodeHealth")


@_attrs_define
class NodeHealth:
    """A ROS node by its heartbeat. `awaited`: never heard of. `silent`: heard of before, not any more.

    Attributes:
        name (str):
        state (NodeHealthState):
        message (str):
        age_ms (int | None):
    """

    name: str
    state: NodeHealthState
    message: str
    age_ms: int | None

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        state = self.state.value

        message = self.message

        age_ms: int | None
        age_ms = self.age_ms

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "state": state,
                "message": message,
                "age_ms": age_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        state = NodeHealthState(d.pop("state"))

        message = d.pop("message")

        def _parse_age_ms(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_ms = _parse_age_ms(d.pop("age_ms"))

        node_health = cls(
            name=name,
            state=state,
            message=message,
            age_ms=age_ms,
        )

        return node_health
