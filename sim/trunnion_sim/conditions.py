"""What the cell, its camera and its arm are like in an episode: every key that a scenario may set, with its unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trunnion_contract.names import Fraction, Name
from trunnion_contract.strict import Strict

Positive = Annotated[float, Field(gt=0)]
Surface = Literal["nominal", "plain", "grain", "clouds", "brushed", "checks", "perforated", "stripes"]


class Conditions(Strict):
    """One way the cell may be. Everything that is not said is as in the nominal cell.

    Attributes:
        parts: fewest and most parts in the tray.
        ordered: fewest and most parts in an order.
        classes: classes that lie in the tray; None for all of the cell.
        tray_share: share of the tray's sides, about its middle, in which parts lie.
        yaw_max_deg: parts are turned about the vertical by up to this, either way.
        clearance_mm: room between the footprints of neighbours; an open finger needs about 30.
        clutter: things in the tray that are no parts.
        look_alikes: things in the tray that look like parts and are none: a washer, a pin, a pulley.
        light: brightness of the scene, 1 is nominal.
        light_turn_deg: the light's direction is turned about the vertical by up to this.
        texture: pattern on table and tray, laid anew for every episode.
        texture_strength: how much such a pattern brightens and darkens the surface.
        texture_scale_m: side of one tile of it.
        camera_shift_mm: how far the camera stands from where the calibration says, in a direction drawn per episode.
        camera_turn_deg: how far it is turned from there, about an axis drawn per episode.
        exposure_stops: how much longer (or, below 0, shorter) the sensor exposes than it should, in powers of two.
        noise: standard deviation of the camera's noise in grey levels.
        blur_px: standard deviation of the camera's defocus.
        jpeg_compression: frames come as JPEG of quality 100 less this; 0 leaves them as they are.
        latency_ms: age at which frames and joint states arrive.
        dropped_frames: share of the frames that never arrive.
        friction: Coulomb coefficient of the parts.
        mass_scale: how many times their mass the parts weigh.
        joint_noise_deg: standard deviation of the noise of the arm's seven encoders.
        finger_noise_mm: standard deviation of the noise of the measured opening.
    """

    parts: tuple[int, int] = (3, 6)
    ordered: tuple[int, int] = (1, 2)
    classes: tuple[Name, ...] | None = Field(default=None, min_length=1)
    tray_share: Fraction = 1.0
    yaw_max_deg: float = Field(default=180.0, ge=0, le=180)
    clearance_mm: float = Field(default=31.0, ge=0, le=60)
    clutter: int = Field(default=0, ge=0, le=12)
    look_alikes: int = Field(default=0, ge=0, le=12)
    light: Positive = 1.0
    light_turn_deg: float = Field(default=0.0, ge=0, le=180)
    texture: Surface = "nominal"
    texture_strength: Fraction = 0.15
    texture_scale_m: float = Field(default=0.3, ge=0.02, le=2)
    camera_shift_mm: float = Field(default=0.0, ge=0, le=200)
    camera_turn_deg: float = Field(default=0.0, ge=0, le=20)
    exposure_stops: float = Field(default=0.0, ge=-6, le=6)
    noise: float = Field(default=0.0, ge=0, le=100)
    blur_px: float = Field(default=0.0, ge=0, le=20)
    jpeg_compression: int = Field(default=0, ge=0, le=99)
    latency_ms: float = Field(default=0.0, ge=0, le=1000)
    dropped_frames: float = Field(default=0.0, ge=0, lt=1)
    friction: float = Field(default=0.8, gt=0, le=2)
    mass_scale: float = Field(default=1.0, ge=0.05, le=50)
    joint_noise_deg: float = Field(default=0.0, ge=0, le=5)
    finger_noise_mm: float = Field(default=0.0, ge=0, le=20)

    @model_validator(mode="after")
    def _ranges_are_in_order(self) -> Conditions:
        for name, (low, high) in (("parts", self.parts), ("ordered", self.ordered)):
            if not 1 <= low <= high <= 12:
                raise ValueError(f"{name} as [fewest, most] between 1 and 12")
        if self.ordered[0] > self.parts[1]:
            raise ValueError("ordered to begin at no more than the most parts that lie in the tray")
        return self


NOMINAL_CELL = Conditions()
