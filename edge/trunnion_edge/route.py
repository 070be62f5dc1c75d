"""Straight legs that the executive moves the arm along by itself, clear of the tray and of what lies in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trunnion_contract.cell import CellLayout, Point

ARRIVAL_M = 0.015
# Fingers need this long to open or close.
_GRIPPER_S = 0.4


@dataclass(frozen=True)
class Waypoint:
    """A point to reach with the gripper told `opening_m`, and how long to stay there."""

    position_base_m: Point
    opening_m: float
    stay_s: float = 0.0


class Route:
    """Waypoints, one after the other."""

    def __init__(self, waypoints: Sequence[Waypoint]) -> None:
        self._left = list(waypoints)
        self._leg_started_s: float | None = None
        self._arrived_s: float | None = None

    def at(self, now_s: float, position_base_m: Point) -> Waypoint | None:
        """Where to go now; None when the last waypoint is reached."""
        if self._leg_started_s is None:
            self._leg_started_s = now_s
        while self._left and self._is_through(now_s, position_base_m):
            self._left.pop(0)
            self._leg_started_s, self._arrived_s = now_s, None
        return self._left[0] if self._left else None

    def leg_s(self, now_s: float) -> float:
        """How long the current leg has been taking."""
        return 0.0 if self._leg_started_s is None else now_s - self._leg_started_s

    def _is_through(self, now_s: float, position_base_m: Point) -> bool:
        waypoint = self._left[0]
        if self._arrived_s is None and math.dist(position_base_m, waypoint.position_base_m) <= ARRIVAL_M:
            self._arrived_s = now_s
        return self._arrived_s is not None and now_s - self._arrived_s >= waypoint.stay_s


def home_again(cell: CellLayout, position_base_m: Point) -> Route:
    """Open-handed up and to home, where the camera sees all of the tray."""
    return Route(
        [
            *_lift(cell, position_base_m, cell.limits.opening_max_m),
            Waypoint(cell.home_base_m, cell.limits.opening_max_m),
        ]
    )


def put_back(cell: CellLayout, position_base_m: Point, spot_base_m: Point) -> Route:
    """Lay what is in the gripper down at `spot_base_m`, then home."""
    shut_m, open_m = 0.0, cell.limits.opening_max_m
    above = (spot_base_m[0], spot_base_m[1], cell.home_base_m[2])
    return Route(
        [
            *_lift(cell, position_base_m, shut_m),
            Waypoint(above, shut_m),
            Waypoint(spot_base_m, shut_m),
            Waypoint(spot_base_m, open_m, stay_s=_GRIPPER_S),
            Waypoint(above, open_m),
            Waypoint(cell.home_base_m, open_m),
        ]
    )


def _lift(cell: CellLayout, position_base_m: Point, opening_m: float) -> list[Waypoint]:
    """Straight up, unless the gripper is already as high as where it drops parts into the bins."""
    clear_z_m = min(bin_layout.drop_base_m[2] for bin_layout in cell.bins.values())
    if position_base_m[2] >= clear_z_m - ARRIVAL_M:
        return []
    return [Waypoint((position_base_m[0], position_base_m[1], cell.home_base_m[2]), opening_m)]
