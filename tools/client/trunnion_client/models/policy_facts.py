from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="PolicyFacts")


@_attrs_define
class PolicyFacts:
    """How the policy acts.

    Attributes:
        rate_hz (float):
        action (list[str]):
    """

    rate_hz: float
    action: list[str]

    def to_dict(self) -> dict[str, Any]:
        rate_hz = self.rate_hz

        action = self.action

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "rate_hz": rate_hz,
                "action": action,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        rate_hz = d.pop("rate_hz")

        action = cast(list[str], d.pop("action"))

        policy_facts = cls(
            rate_hz=rate_hz,
            action=action,
        )

        return policy_facts
