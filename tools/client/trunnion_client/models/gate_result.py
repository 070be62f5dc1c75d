from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="GateResult")


@_attrs_define
class GateResult:
    """One condition of the proof, what was found, and the verdict.

    Attributes:
        name (str):
        got (str):
        wanted (str):
        passed (bool):
    """

    name: str
    got: str
    wanted: str
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        got = self.got

        wanted = self.wanted

        passed = self.passed

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "got": got,
                "wanted": wanted,
                "passed": passed,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        got = d.pop("got")

        wanted = d.pop("wanted")

        passed = d.pop("passed")

        gate_result = cls(
            name=name,
            got=got,
            wanted=wanted,
            passed=passed,
        )

        return gate_result
