"""Legs of a route: one after the other, clear of what lies on the table."""

from __future__ import annotations

from trunnion_contract.cell import CellLayout
from trunnion_edge.route import Route, Waypoint, home_again, put_back


def visited(route: Route) -> list[Waypoint]:
    """The waypoints of a route that an arm follows without delay."""
    seen: list[Waypoint] = []
    now_s, position = 0.0, (9.0, 9.0, 9.0)
    while waypoint := route.at(now_s, position):
        if waypoint not in seen[-1:]:
            seen.append(waypoint)
        position, now_s = waypoint.position_base_m, now_s + 0.05
    return seen


def test_from_the_tray_the_way_home_begins_straight_up(cell: CellLayout) -> None:
    points = [waypoint.position_base_m for waypoint in visited(home_again(cell, (0.45, 0.1, 0.01)))]
    assert points == [(0.45, 0.1, 0.25), cell.home_base_m]


def test_from_above_a_bin_the_way_home_is_straight(cell: CellLayout) -> None:
    points = [waypoint.position_base_m for waypoint in visited(home_again(cell, (0.5, -0.29, 0.155)))]
    assert points == [cell.home_base_m]


def test_a_part_is_put_back_from_above_and_let_go_on_the_table(cell: CellLayout) -> None:
    way = visited(put_back(cell, (0.5, -0.1, 0.1), (0.45, 0.1, 0.009)))
    assert [(w.position_base_m, w.opening_m) for w in way] == [
        ((0.5, -0.1, 0.25), 0.0),
        ((0.45, 0.1, 0.25), 0.0),
        ((0.45, 0.1, 0.009), 0.0),
        ((0.45, 0.1, 0.009), 0.08),
        ((0.45, 0.1, 0.25), 0.08),
        (cell.home_base_m, 0.08),
    ]


def test_a_leg_takes_as_long_as_the_arm_and_then_the_stay() -> None:
    route = Route([Waypoint((0.0, 0.0, 0.0), 0.08, stay_s=0.4), Waypoint((1.0, 0.0, 0.0), 0.08)])
    assert route.at(10.0, (0.5, 0.0, 0.0)) == Waypoint((0.0, 0.0, 0.0), 0.08, stay_s=0.4)
    assert route.leg_s(12.0) == 2.0
    route.at(12.0, (0.01, 0.0, 0.0))
    assert route.at(12.3, (0.01, 0.0, 0.0)) is not None
    assert route.leg_s(12.3) > 2.0
    following = route.at(12.41, (0.01, 0.0, 0.0))
    assert following is not None
    assert following.position_base_m == (1.0, 0.0, 0.0)
    assert route.leg_s(12.41) == 0.0
