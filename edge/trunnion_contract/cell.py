"""The place where the robot works: camera, tray, bins and the limits of motion, in the robot's base frame (REP 103)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from trunnion_contract.strict import Strict

Point = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0)]


class CameraLayout(Strict):
    """A fixed pinhole camera without distortion."""

    width_px: int = Field(ge=16, le=8192)
    height_px: int = Field(ge=16, le=8192)
    vertical_field_of_view_deg: float = Field(gt=1, lt=170)
    position_base_m: Point
    look_at_base_m: Point
    image_up_base: Point = (1.0, 0.0, 0.0)


class TrayLayout(Strict):
    """The flat area in which parts lie; `center_base_m` is on the surface that carries them."""

    center_base_m: Point
    size_m: tuple[Positive, Positive]


class BinLayout(Strict):
    """A bin; the gripper opens at `drop_base_m`."""

    center_base_m: Point
    size_m: tuple[Positive, Positive]
    drop_base_m: Point


class MotionLimits(Strict):
    """What stands between a policy and the arm; outside of it the arm holds."""

    workspace_low_base_m: Point
    workspace_high_base_m: Point
    speed_max_mps: Positive
    acceleration_max_mps2: Positive
    opening_max_m: Positive = 0.08
    observation_age_max_ms: Positive = 150.0

    @model_validator(mode="after")
    def _box_is_not_empty(self) -> MotionLimits:
        if any(
            low >= high
            for low, high in zip(self.workspace_low_base_m, self.workspace_high_base_m, strict=True)
        ):
            raise ValueError("a workspace whose low corner lies below its high corner on every axis")
        return self


class CellLayout(Strict):
    """Everything about the cell that is measured once and that robot, simulator and executive must agree on."""

    camera: CameraLayout
    tray: TrayLayout
    bins: dict[str, BinLayout] = Field(min_length=1)
    part_heights_m: dict[str, Positive] = Field(min_length=1)
    home_base_m: Point
    limits: MotionLimits

    def grasp_point_base_m(self, label: str, x_m: float, y_m: float) -> Point:
        """Where the gripper closes on a `label` that lies at `x_m`, `y_m`: half way up the part."""
        return (x_m, y_m, self.tray.center_base_m[2] + self.part_heights_m[label] / 2)
