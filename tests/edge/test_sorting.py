"""The executive, with an arm that obeys at once, a tray of parts, and everything that may go wrong with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from trunnion_contract.cell import CellLayout, Point
from trunnion_contract.errors import BadInput
from trunnion_edge.sorting import (
    Goal,
    Mode,
    OrderLine,
    RobotState,
    SeenPart,
    SeenParts,
    Sorter,
    SorterSettings,
)

PERIOD_S = 0.05
SPEED_MPS = 0.5


@dataclass
class Cell:
    """A kinematic arm over a tray. Faults are counters of how often they happen, or moments from which they last.

    Attributes:
        parts: where each part lies, by name; its label is the name without the digit.
        misses: grasps that close beside the part.
        drops: parts that fall back to their place half way.
        losses: parts that fall on the table half way.
    """

    layout: CellLayout
    parts: dict[str, Point]
    place: str = "A"
    position: Point = (0.5, 0.0, 0.02)
    held: str | None = None
    binned: list[str] = field(default_factory=list)
    misses: int = 0
    drops: int = 0
    losses: int = 0
    flickers: int = 0
    stuck: bool = False
    idle_policy: bool = False
    robot_silent_from_s: float = math.inf
    detector_silent_from_s: float = math.inf
    now_s: float = 100.0
    grasped: bool = False
    goals: list[Goal] = field(default_factory=list)
    _from: Point = (0.0, 0.0, 0.0)

    def state(self) -> RobotState:
        stamp_s = min(self.now_s, self.robot_silent_from_s)
        return RobotState(stamp_s, self.position, 0.04 if self.held else 0.08, self.grasped)

    def seen(self) -> SeenParts | None:
        """Only an arm beside the tray leaves the parts in view."""
        tray = self.layout.tray
        over = all(abs(self.position[i] - tray.center_base_m[i]) < tray.size_m[i] / 2 + 0.05 for i in (0, 1))
        visible = {} if over else {name: spot for name, spot in self.parts.items() if name != self.held}
        parts = tuple(SeenPart(name[:-1], spot, 0.9) for name, spot in visible.items())
        return SeenParts(min(self.now_s, self.detector_silent_from_s), parts)

    def obey(self, goal: Goal) -> None:
        self.goals.append(goal)
        self.now_s += PERIOD_S
        if self.now_s >= self.robot_silent_from_s or self.stuck:
            return
        if goal.mode == Mode.MOVE:
            self._go(goal.target_base_m)
            if self.held and goal.opening_m > 0.05:
                self._let_go()
        elif goal.mode == Mode.POLICY and not self.idle_policy:
            self._pick_and_place(goal)

    def _go(self, target: Point) -> bool:
        way = np.subtract(target, self.position)
        distance = float(np.linalg.norm(way))
        share = min(1.0, SPEED_MPS * PERIOD_S / max(distance, 1e-9))
        x, y, z = (np.array(self.position) + way * share).tolist()
        self.position = (x, y, z)
        return share == 1.0

    def _pick_and_place(self, goal: Goal) -> None:
        if self.held is None:
            if self._go(goal.target_base_m):
                self._close(goal.target_base_m)
            return
        self.grasped = True
        arrived = self._go(goal.place_base_m)
        half_way = abs(self.position[1]) > abs(goal.place_base_m[1]) / 2
        if half_way and self.flickers:
            self.flickers -= 1
            self.grasped = False
        elif half_way and (self.drops or self.losses):
            self._slip()
        elif arrived:
            self._let_go()

    def _close(self, target: Point) -> None:
        if self.misses:
            self.misses -= 1
            self.idle_policy = True
            return
        near = [name for name, spot in self.parts.items() if math.dist(spot[:2], target[:2]) < 0.01]
        if near:
            self.held, self.grasped, self._from = near[0], True, self.parts[near[0]]

    def _slip(self) -> None:
        assert self.held
        name, self.held, self.grasped, self.idle_policy = self.held, None, False, True
        if self.drops:
            self.drops -= 1
            self.parts[name] = self._from
        else:
            self.losses -= 1
            del self.parts[name]

    def _let_go(self) -> None:
        assert self.held
        name, self.held, self.grasped = self.held, None, False
        center, size = self.layout.bins[self.place].center_base_m, self.layout.bins[self.place].size_m
        if all(abs(self.position[i] - center[i]) <= size[i] / 2 for i in (0, 1)):
            self.binned.append(name)
            del self.parts[name]
        else:
            self.parts[name] = (self.position[0], self.position[1], 0.009)


@pytest.fixture
def scene(cell: CellLayout) -> Cell:
    spots = {
        "gear1": (0.42, -0.08, 0.009),
        "gear2": (0.58, 0.08, 0.009),
        "bolt1": (0.5, 0.0, 0.009),
        "nut1": (0.4, 0.1, 0.008),
    }
    return Cell(cell, dict(spots))


def run(
    scene: Cell, lines: list[OrderLine], settings: SorterSettings | None = None, seconds: float = 120
) -> Sorter:
    """Play an order to its end; the events are the kinds in `sorter_events(scene)`."""
    sorter = Sorter(scene.layout, lines, scene.place, settings)
    scene.events = []  # type: ignore[attr-defined]
    started_s = scene.now_s
    while not sorter.finished and scene.now_s - started_s < seconds:
        tick = sorter.tick(scene.now_s, scene.state(), scene.seen())
        scene.events += tick.events  # type: ignore[attr-defined]
        scene.obey(tick.goal)
        if tick.goal.mode != Mode.POLICY:
            scene.idle_policy = False
    assert sorter.finished, f"still {sorter.phase} after {seconds} s"
    return sorter


def kinds(scene: Cell) -> list[str]:
    return [event.kind for event in scene.events]  # type: ignore[attr-defined]


def test_an_order_is_sorted_line_by_line(scene: Cell) -> None:
    sorter = run(scene, [OrderLine("gear", 2), OrderLine("nut", 1)])
    assert sorter.success
    assert sorted(scene.binned[:2]) == ["gear1", "gear2"]
    assert scene.binned[2:] == ["nut1"]
    assert kinds(scene) == ["picked", "placed"] * 3 + ["done"]
    assert (sorter.sorted, sorter.requested, sorter.message) == (3, 3, "3 of 3 sorted")


def test_the_other_bin_works_as_well(scene: Cell) -> None:
    scene.place = "B"
    assert run(scene, [OrderLine("bolt", 1)]).success
    assert scene.binned == ["bolt1"]


def test_the_arm_looks_only_from_home(scene: Cell) -> None:
    """At the start the gripper is over the tray, and every frame shows an empty one."""
    run(scene, [OrderLine("gear", 1)])
    first_policy = next(i for i, goal in enumerate(scene.goals) if goal.mode == Mode.POLICY)
    assert {goal.mode for goal in scene.goals[:first_policy]} == {Mode.MOVE, Mode.HOLD}
    assert scene.goals[0].target_base_m == (0.5, 0.0, 0.25), "straight up first"
    assert scene.goals[first_policy].target_base_m in [(0.42, -0.08, 0.009), (0.58, 0.08, 0.009)]
    assert scene.goals[first_policy].place_base_m == (0.5, 0.29, 0.16)


def test_a_frame_from_before_the_arm_came_home_is_not_used(cell: CellLayout, scene: Cell) -> None:
    sorter = Sorter(cell, [OrderLine("gear", 1)], "A")
    scene.position = cell.home_base_m
    old = SeenParts(99.9, (SeenPart("gear", (0.5, 0.0, 0.009), 0.9),))
    for _ in range(3):
        assert sorter.tick(scene.now_s, scene.state(), old).goal.mode == Mode.HOLD
        scene.now_s += PERIOD_S
    assert sorter.phase == "looking"
    assert sorter.tick(scene.now_s, scene.state(), scene.seen()).goal.mode == Mode.POLICY


def test_a_missed_grasp_is_tried_again(scene: Cell) -> None:
    scene.misses = 1
    sorter = run(scene, [OrderLine("gear", 1)], SorterSettings(policy_max_s=3))
    assert sorter.success
    assert kinds(scene) == ["retry", "picked", "placed", "done"]
    assert scene.events[0].message == "the policy took too long"  # type: ignore[attr-defined]


def test_a_part_that_falls_back_into_the_tray_is_tried_again(scene: Cell) -> None:
    scene.drops = 1
    sorter = run(scene, [OrderLine("bolt", 1)])
    assert sorter.success
    assert kinds(scene) == ["picked", "retry", "picked", "placed", "done"]
    assert scene.binned == ["bolt1"]


def test_a_part_that_falls_on_the_table_is_not_counted_and_another_one_is_taken(scene: Cell) -> None:
    scene.losses = 1
    sorter = run(scene, [OrderLine("gear", 1)])
    assert sorter.success
    assert kinds(scene) == ["picked", "retry", "picked", "placed", "done"]
    assert len(scene.binned) == 1


def test_a_grasp_that_flickers_was_never_lost(scene: Cell) -> None:
    scene.flickers = 3
    assert run(scene, [OrderLine("gear", 1)]).success
    assert kinds(scene) == ["picked", "placed", "done"]


def test_a_part_that_is_still_in_the_tray_was_not_placed(scene: Cell) -> None:
    """The gripper believed that it held a part all the way, and did not."""
    sorter = Sorter(scene.layout, [OrderLine("bolt", 1)], "A")
    scene.position = scene.layout.home_base_m
    believed = [False] * 3 + [True] * 5 + [False] * 400
    events = []
    for grasped in believed:
        if sorter.finished:
            break
        scene.grasped = grasped
        events += sorter.tick(scene.now_s, scene.state(), scene.seen()).events
        scene.now_s += PERIOD_S
        if [event.kind for event in events].count("retry") == 1:
            break
    assert [event.kind for event in events] == ["picked", "retry"]
    assert events[-1].message == "it is still in the tray"
    assert sorter.sorted == 0


def play_until_binned(scene: Cell, sorter: Sorter) -> None:
    while not scene.binned:
        scene.obey(sorter.tick(scene.now_s, scene.state(), scene.seen()).goal)


def play_to_the_end(scene: Cell, sorter: Sorter) -> None:
    while not sorter.finished and scene.now_s < 300:
        scene.obey(sorter.tick(scene.now_s, scene.state(), scene.seen()).goal)


def test_a_part_that_was_hidden_does_not_undo_what_was_placed(scene: Cell) -> None:
    """The count stays as it was, but the place is empty."""
    sorter = Sorter(scene.layout, [OrderLine("bolt", 1)], "A")
    play_until_binned(scene, sorter)
    scene.parts["bolt2"] = (0.55, -0.05, 0.009)
    play_to_the_end(scene, sorter)
    assert sorter.success
    assert scene.binned == ["bolt1"]


def test_a_neighbour_that_rolls_into_the_empty_place_does_not_undo_what_was_placed(scene: Cell) -> None:
    """The place is taken again, but there is one part less."""
    scene.parts["bolt2"] = (0.6, 0.1, 0.009)
    sorter = Sorter(scene.layout, [OrderLine("bolt", 1)], "A")
    spots = dict(scene.parts)
    play_until_binned(scene, sorter)
    left = "bolt2" if scene.binned == ["bolt1"] else "bolt1"
    scene.parts[left] = spots[scene.binned[0]]
    play_to_the_end(scene, sorter)
    assert sorter.success
    assert len(scene.binned) == 1


def test_after_too_many_attempts_the_order_fails_with_the_reason(scene: Cell) -> None:
    scene.misses = 99
    sorter = run(scene, [OrderLine("gear", 1)], SorterSettings(policy_max_s=2, retries_max=2))
    assert not sorter.success
    assert kinds(scene) == ["retry", "retry", "failed"]
    assert sorter.message == (
        "no gear could be sorted in 3 attempts, at the last the policy took too long; 0 of 1 sorted"
    )
    assert scene.goals[-1].mode == Mode.HOLD


def test_retries_are_counted_for_each_part_anew(scene: Cell) -> None:
    scene.misses = 2
    settings = SorterSettings(policy_max_s=2, retries_max=2)
    sorter = Sorter(scene.layout, [OrderLine("gear", 2)], "A", settings)
    missed_again = False
    while not sorter.finished and scene.now_s < 300:
        tick = sorter.tick(scene.now_s, scene.state(), scene.seen())
        scene.obey(tick.goal)
        if tick.goal.mode != Mode.POLICY:
            scene.idle_policy = False
        if sorter.sorted == 1 and not missed_again:
            scene.misses, missed_again = 2, True
    assert sorter.success


def test_a_part_that_is_not_there_fails_the_order_after_some_looks(scene: Cell) -> None:
    del scene.parts["nut1"]
    sorter = run(scene, [OrderLine("bolt", 1), OrderLine("nut", 2)])
    assert not sorter.success
    assert kinds(scene) == ["picked", "placed", "missing", "failed"]
    assert sorter.message == "no nut in the tray; 1 of 3 sorted"


def test_one_frame_that_misses_the_part_does_not_make_it_missing(scene: Cell) -> None:
    sorter = Sorter(scene.layout, [OrderLine("nut", 1)], "A")
    scene.position = scene.layout.home_base_m
    for blind in (True, True, True, False):
        seen = SeenParts(scene.now_s, ()) if blind else scene.seen()
        goal = sorter.tick(scene.now_s, scene.state(), seen).goal
        scene.now_s += PERIOD_S
    assert goal.mode == Mode.POLICY


def test_looks_are_counted_for_each_part_anew(scene: Cell) -> None:
    """Four blind frames before each part are eight in all, and no reason to give up after five."""
    sorter, looks = Sorter(scene.layout, [OrderLine("gear", 2)], "A"), 0
    while not sorter.finished and scene.now_s < 200:
        looks = looks + 1 if sorter.phase == "looking" else 0
        seen = SeenParts(scene.now_s, ()) if looks < 5 else scene.seen()
        scene.obey(sorter.tick(scene.now_s, scene.state(), seen).goal)
    assert sorter.success


def test_a_frame_that_comes_again_is_one_look(scene: Cell) -> None:
    sorter = Sorter(scene.layout, [OrderLine("nut", 1)], "A")
    scene.position = scene.layout.home_base_m
    sorter.tick(scene.now_s, scene.state(), None)
    empty = SeenParts(scene.now_s + 0.01, ())
    for _ in range(20):
        scene.now_s += PERIOD_S
        sorter.tick(scene.now_s, scene.state(), empty)
    assert sorter.phase == "looking"


def test_a_silent_detector_is_named(scene: Cell) -> None:
    scene.detector_silent_from_s = scene.now_s
    sorter = run(scene, [OrderLine("gear", 1)], seconds=10)
    assert sorter.message == "the detector is silent: no detections for 3.0 s; 0 of 1 sorted"
    assert scene.goals[-1].mode == Mode.HOLD


@pytest.mark.parametrize("after_s", [0.0, 1.0, 2.5])
def test_a_silent_robot_is_held_at_once_and_named_later(scene: Cell, after_s: float) -> None:
    scene.robot_silent_from_s = scene.now_s + after_s
    sorter = run(scene, [OrderLine("gear", 1)], seconds=20)
    assert sorter.message == "the robot is silent: no state for 3.0 s; 0 of 1 sorted"
    stale = round((after_s + 0.3) / PERIOD_S) + 2
    assert {goal.mode for goal in scene.goals[stale:]} == {Mode.HOLD}


def test_a_robot_that_never_spoke_is_named(cell: CellLayout) -> None:
    sorter = Sorter(cell, [OrderLine("gear", 1)], "A")
    for i in range(100):
        assert sorter.tick(i * PERIOD_S, None, None).goal.mode == Mode.HOLD
    assert "the robot is silent" in sorter.message


def test_a_short_silence_of_the_robot_only_delays(scene: Cell) -> None:
    sorter = Sorter(scene.layout, [OrderLine("gear", 1)], "A")
    modes = []
    for i in range(400):
        scene.robot_silent_from_s = 100.5 if 10 <= i < 30 else math.inf
        tick = sorter.tick(scene.now_s, scene.state(), scene.seen())
        modes.append(tick.goal.mode)
        scene.obey(tick.goal)
    assert set(modes[17:30]) == {Mode.HOLD}
    assert sorter.success


def test_an_arm_that_does_not_move_fails_the_order(scene: Cell) -> None:
    scene.stuck = True
    sorter = run(scene, [OrderLine("gear", 1)], seconds=30)
    assert sorter.message == "the arm did not reach 500, 0, 250 mm in time; 0 of 1 sorted"


def test_a_part_that_is_in_the_gripper_at_the_start_is_put_into_the_tray(scene: Cell) -> None:
    scene.held, scene.grasped, scene.position = "gear1", True, (0.5, -0.2, 0.1)
    sorter = run(scene, [OrderLine("gear", 2)])
    assert sorter.success
    put_down = next(goal for goal in scene.goals if goal.mode == Mode.MOVE and goal.opening_m > 0.05)
    assert put_down.target_base_m == scene.layout.tray.center_base_m


def test_a_policy_that_hesitates_with_the_part_in_hand_puts_it_back_where_it_was(scene: Cell) -> None:
    sorter = Sorter(scene.layout, [OrderLine("nut", 1)], "A", SorterSettings(policy_max_s=2))
    froze = False
    while not sorter.finished and scene.now_s < 200:
        tick = sorter.tick(scene.now_s, scene.state(), scene.seen())
        if scene.held and tick.goal.mode == Mode.POLICY and not froze:
            scene.idle_policy = True
        elif scene.idle_policy:
            froze, scene.idle_policy = True, False
        scene.obey(tick.goal)
    assert sorter.success
    assert froze
    assert any(goal.mode == Mode.MOVE and goal.target_base_m == (0.4, 0.1, 0.008) for goal in scene.goals)


def test_cancelling_holds_the_arm(scene: Cell) -> None:
    sorter = Sorter(scene.layout, [OrderLine("gear", 1)], "A")
    scene.obey(sorter.tick(scene.now_s, scene.state(), scene.seen()).goal)
    sorter.cancel("cancelled by the customer")
    tick = sorter.tick(scene.now_s, scene.state(), scene.seen())
    assert sorter.finished
    assert not sorter.success
    assert tick.goal.mode == Mode.HOLD
    assert sorter.message == "cancelled by the customer; 0 of 1 sorted"


def test_an_order_that_cannot_be_done_is_refused_before_the_arm_moves(cell: CellLayout) -> None:
    with pytest.raises(BadInput, match="got 'cog', wanted one of gear, bolt, nut"):
        Sorter(cell, [OrderLine("cog", 1)], "A")
