from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.inference_state_precision_type_0 import InferenceStatePrecisionType0
from ..models.inference_state_state import InferenceStateState
from ..types import UNSET, Unset

T = TypeVar("T", bound="InferenceState")


@_attrs_define
class InferenceState:
    """Whether the bridge can detect in images that are sent to it.

    Attributes:
        state (InferenceStateState):
        message (str):
        runtime (None | str | Unset):
        precision (InferenceStatePrecisionType0 | None | Unset):
    """

    state: InferenceStateState
    message: str
    runtime: None | str | Unset = UNSET
    precision: InferenceStatePrecisionType0 | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        state = self.state.value

        message = self.message

        runtime: None | str | Unset
        if isinstance(self.runtime, Unset):
            runtime = UNSET
        else:
            runtime = self.runtime

        precision: None | str | Unset
        if isinstance(self.precision, Unset):
            precision = UNSET
        elif isinstance(self.precision, InferenceStatePrecisionType0):
            precision = self.precision.value
        else:
            precision = self.precision

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "state": state,
                "message": message,
            }
        )
        if runtime is not UNSET:
            field_dict["runtime"] = runtime
        if precision is not UNSET:
            field_dict["precision"] = precision

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        state = InferenceStateState(d.pop("state"))

        message = d.pop("message")

        def _parse_runtime(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        runtime = _parse_runtime(d.pop("runtime", UNSET))

        def _parse_precision(data: object) -> InferenceStatePrecisionType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                precision_type_0 = InferenceStatePrecisionType0(data)

                return precision_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(InferenceStatePrecisionType0 | None | Unset, data)

        precision = _parse_precision(d.pop("precision", UNSET))

        inference_state = cls(
            state=state,
            message=message,
            runtime=runtime,
            precision=precision,
        )

        return inference_state
