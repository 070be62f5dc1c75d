from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.arm_mode_type_0 import ArmModeType0

if TYPE_CHECKING:
    from ..models.arm_joints_rad import ArmJointsRad


T = TypeVar("T", bound="Arm")


@_attrs_define
class Arm:
    """The robot as last heard of; `here` is false when nothing was heard for a while.

    Attributes:
        here (bool):
        position_base_m (list[float] | None):
        orientation_base_xyzw (list[float] | None):
        joints_rad (ArmJointsRad):
        gripper_opening_m (float | None):
        grasped (bool | None):
        mode (ArmModeType0 | None):
        hold_reason (str):
        age_ms (int | None):
    """

    here: bool
    position_base_m: list[float] | None
    orientation_base_xyzw: list[float] | None
    joints_rad: ArmJointsRad
    gripper_opening_m: float | None
    grasped: bool | None
    mode: ArmModeType0 | None
    hold_reason: str
    age_ms: int | None

    def to_dict(self) -> dict[str, Any]:
        here = self.here

        position_base_m: list[float] | None
        if isinstance(self.position_base_m, list):
            position_base_m = []
            for position_base_m_type_0_item_data in self.position_base_m:
                position_base_m_type_0_item: float
                position_base_m_type_0_item = position_base_m_type_0_item_data
                position_base_m.append(position_base_m_type_0_item)

        else:
            position_base_m = self.position_base_m

        orientation_base_xyzw: list[float] | None
        if isinstance(self.orientation_base_xyzw, list):
            orientation_base_xyzw = []
            for orientation_base_xyzw_type_0_item_data in self.orientation_base_xyzw:
                orientation_base_xyzw_type_0_item: float
                orientation_base_xyzw_type_0_item = orientation_base_xyzw_type_0_item_data
                orientation_base_xyzw.append(orientation_base_xyzw_type_0_item)

        else:
            orientation_base_xyzw = self.orientation_base_xyzw

        joints_rad = self.joints_rad.to_dict()

        gripper_opening_m: float | None
        gripper_opening_m = self.gripper_opening_m

        grasped: bool | None
        grasped = self.grasped

        mode: None | str
        if isinstance(self.mode, ArmModeType0):
            mode = self.mode.value
        else:
            mode = self.mode

        hold_reason = self.hold_reason

        age_ms: int | None
        age_ms = self.age_ms

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "here": here,
                "position_base_m": position_base_m,
                "orientation_base_xyzw": orientation_base_xyzw,
                "joints_rad": joints_rad,
                "gripper_opening_m": gripper_opening_m,
                "grasped": grasped,
                "mode": mode,
                "hold_reason": hold_reason,
                "age_ms": age_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.arm_joints_rad import ArmJointsRad  # noqa: PLC0415

        d = dict(src_dict)
        here = d.pop("here")

        def _parse_position_base_m(data: object) -> list[float] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                position_base_m_type_0 = []
                _position_base_m_type_0 = data
                for position_base_m_type_0_item_data in _position_base_m_type_0:

                    def _parse_position_base_m_type_0_item(data: object) -> float:
                        return cast(float, data)

                    position_base_m_type_0_item = _parse_position_base_m_type_0_item(
                        position_base_m_type_0_item_data
                    )

                    position_base_m_type_0.append(position_base_m_type_0_item)

                return position_base_m_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[float] | None, data)

        position_base_m = _parse_position_base_m(d.pop("position_base_m"))

        def _parse_orientation_base_xyzw(data: object) -> list[float] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                orientation_base_xyzw_type_0 = []
                _orientation_base_xyzw_type_0 = data
                for orientation_base_xyzw_type_0_item_data in _orientation_base_xyzw_type_0:

                    def _parse_orientation_base_xyzw_type_0_item(data: object) -> float:
                        return cast(float, data)

                    orientation_base_xyzw_type_0_item = _parse_orientation_base_xyzw_type_0_item(
                        orientation_base_xyzw_type_0_item_data
                    )

                    orientation_base_xyzw_type_0.append(orientation_base_xyzw_type_0_item)

                return orientation_base_xyzw_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[float] | None, data)

        orientation_base_xyzw = _parse_orientation_base_xyzw(d.pop("orientation_base_xyzw"))

        joints_rad = ArmJointsRad.from_dict(d.pop("joints_rad"))

        def _parse_gripper_opening_m(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        gripper_opening_m = _parse_gripper_opening_m(d.pop("gripper_opening_m"))

        def _parse_grasped(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        grasped = _parse_grasped(d.pop("grasped"))

        def _parse_mode(data: object) -> ArmModeType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                mode_type_0 = ArmModeType0(data)

                return mode_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ArmModeType0 | None, data)

        mode = _parse_mode(d.pop("mode"))

        hold_reason = d.pop("hold_reason")

        def _parse_age_ms(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_ms = _parse_age_ms(d.pop("age_ms"))

        arm = cls(
            here=here,
            position_base_m=position_base_m,
            orientation_base_xyzw=orientation_base_xyzw,
            joints_rad=joints_rad,
            gripper_opening_m=gripper_opening_m,
            grasped=grasped,
            mode=mode,
            hold_reason=hold_reason,
            age_ms=age_ms,
        )

        return arm
