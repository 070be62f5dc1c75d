"""What the leader sees of the robot, as the other bridges show it: told to all several times a second."""

from __future__ import annotations

import base64
import logging
import time
import zlib
from typing import NamedTuple

from pydantic import Field

from trunnion_bridge.doorbell import Doorbell
from trunnion_bridge.models import ActiveModel, Arm, Battery, Camera, Detections, Model, NodeHealth, Order

CHANNEL = "trunnion_seen"
STALE_AFTER_S = 3.0
_BYTES_MAX = 7_900  # PostgreSQL takes a little less than 8000
_log = logging.getLogger("trunnion.bridge")


class Seen(Model):
    """The robot and the order that it has."""

    arm: Arm
    camera: Camera
    detections: Detections | None
    nodes: list[NodeHealth]
    models: list[ActiveModel] = Field([], description="what nodes say that they run")
    battery: Battery | None = None
    sorter_here: bool
    order: Order | None


NOTHING = Seen(
    arm=Arm(
        here=False,
        position_base_m=None,
        orientation_base_xyzw=None,
        joints_rad={},
        gripper_opening_m=None,
        grasped=None,
        mode=None,
        hold_reason="",
        age_ms=None,
    ),
    camera=Camera(here=False, rate_hz=0.0, age_ms=None),
    detections=None,
    nodes=[],
    sorter_here=False,
    order=None,
)


class Heard(NamedTuple):
    """What the leader said last, and how long ago."""

    seen: Seen
    age_ms: int


class Hearsay:
    """What another bridge, which leads, has said that it sees."""

    def __init__(self) -> None:
        self._heard: tuple[Seen, float] | None = None
        self.changed = Doorbell()

    def hear(self, said: str) -> None:
        """Take in what was said; from any thread."""
        try:
            self._heard = unpacked(said), time.monotonic()
        except (ValueError, zlib.error) as error:
            _log.warning("what the leader sees cannot be read (another version?): %s", type(error).__name__)
            return
        self.changed.ring()

    def latest(self) -> Heard | None:
        """The last news; None when there is none, or none that still says anything about now."""
        if self._heard is None:
            return None
        seen, heard_s = self._heard
        age_s = time.monotonic() - heard_s
        return Heard(seen, int(age_s * 1000)) if age_s <= STALE_AFTER_S else None


def packed(seen: Seen) -> str:
    """As one line of text that fits into a notice; of too many detections none are left."""
    said = _packed(seen)
    if len(said) > _BYTES_MAX:
        said = _packed(seen.model_copy(update={"detections": None}))
    return said


def unpacked(said: str) -> Seen:
    """What was packed.

    Raises:
        ValueError, zlib.error: it is something else.
    """
    return Seen.model_validate_json(zlib.decompress(base64.b64decode(said, validate=True)))


def _packed(seen: Seen) -> str:
    return base64.b64encode(zlib.compress(seen.model_dump_json().encode())).decode()
