from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="MotionLimits")


@_attrs_define
class MotionLimits:
    """What stands between a policy and the arm; outside of it the arm holds.

    Attributes:
        workspace_low_base_m (list[float]):
        workspace_high_base_m (list[float]):
        speed_max_mps (float):
        acceleration_max_mps2 (float):
        opening_max_m (float | Unset):  Default: 0.08.
        observation_age_max_ms (float | Unset):  Default: 150.0.
    """

    workspace_low_base_m: list[float]
    workspace_high_base_m: list[float]
    speed_max_mps: float
    acceleration_max_mps2: float
    opening_max_m: float | Unset = 0.08
    observation_age_max_ms: float | Unset = 150.0

    def to_dict(self) -> dict[str, Any]:
        workspace_low_base_m = []
        for workspace_low_base_m_item_data in self.workspace_low_base_m:
            workspace_low_base_m_item: float
            workspace_low_base_m_item = workspace_low_base_m_item_data
            workspace_low_base_m.append(workspace_low_base_m_item)

        workspace_high_base_m = []
        for workspace_high_base_m_item_data in self.workspace_high_base_m:
            workspace_high_base_m_item: float
            workspace_high_base_m_item = workspace_high_base_m_item_data
            workspace_high_base_m.append(workspace_high_base_m_item)

        speed_max_mps = self.speed_max_mps

        acceleration_max_mps2 = self.acceleration_max_mps2

        opening_max_m = self.opening_max_m

        observation_age_max_ms = self.observation_age_max_ms

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "workspace_low_base_m": workspace_low_base_m,
                "workspace_high_base_m": workspace_high_base_m,
                "speed_max_mps": speed_max_mps,
                "acceleration_max_mps2": acceleration_max_mps2,
            }
        )
        if opening_max_m is not UNSET:
            field_dict["opening_max_m"] = opening_max_m
        if observation_age_max_ms is not UNSET:
            field_dict["observation_age_max_ms"] = observation_age_max_ms

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        workspace_low_base_m = []
        _workspace_low_base_m = d.pop("workspace_low_base_m")
        for workspace_low_base_m_item_data in _workspace_low_base_m:

            def _parse_workspace_low_base_m_item(data: object) -> float:
                return cast(float, data)

            workspace_low_base_m_item = _parse_workspace_low_base_m_item(workspace_low_base_m_item_data)

            workspace_low_base_m.append(workspace_low_base_m_item)

        workspace_high_base_m = []
        _workspace_high_base_m = d.pop("workspace_high_base_m")
        for workspace_high_base_m_item_data in _workspace_high_base_m:

            def _parse_workspace_high_base_m_item(data: object) -> float:
                return cast(float, data)

            workspace_high_base_m_item = _parse_workspace_high_base_m_item(workspace_high_base_m_item_data)

            workspace_high_base_m.append(workspace_high_base_m_item)

        speed_max_mps = d.pop("speed_max_mps")

        acceleration_max_mps2 = d.pop("acceleration_max_mps2")

        opening_max_m = d.pop("opening_max_m", UNSET)

        observation_age_max_ms = d.pop("observation_age_max_ms", UNSET)

        motion_limits = cls(
            workspace_low_base_m=workspace_low_base_m,
            workspace_high_base_m=workspace_high_base_m,
            speed_max_mps=speed_max_mps,
            acceleration_max_mps2=acceleration_max_mps2,
            opening_max_m=opening_max_m,
            observation_age_max_ms=observation_age_max_ms,
        )

        return motion_limits
