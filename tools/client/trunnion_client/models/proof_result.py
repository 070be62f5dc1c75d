from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.gate_result import GateResult


T = TypeVar("T", bound="ProofResult")


@_attrs_define
class ProofResult:
    """The verdict of the proof inside the bundle.

    Attributes:
        passed (bool):
        simulated (bool): whether the whole loop was played, or networks alone were looked at
        gates (list[GateResult]):
    """

    passed: bool
    simulated: bool
    gates: list[GateResult]

    def to_dict(self) -> dict[str, Any]:
        passed = self.passed

        simulated = self.simulated

        gates = []
        for gates_item_data in self.gates:
            gates_item = gates_item_data.to_dict()
            gates.append(gates_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "passed": passed,
                "simulated": simulated,
                "gates": gates,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.gate_result import GateResult  # noqa: PLC0415

        d = dict(src_dict)
        passed = d.pop("passed")

        simulated = d.pop("simulated")

        gates = []
        _gates = d.pop("gates")
        for gates_item_data in _gates:
            gates_item = GateResult.from_dict(gates_item_data)

            gates.append(gates_item)

        proof_result = cls(
            passed=passed,
            simulated=simulated,
            gates=gates,
        )

        return proof_result
