"""One model takes another's place: real networks, every frame answered by exactly one of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trunnion_contract.detector_spec import DetectorSpec, KeypointSpec
from trunnion_contract.errors import BadInput, Broken
from trunnion_edge.backends import open_engine
from trunnion_edge.detector import Detector
from trunnion_edge.model_source import ModelSource, SourcedDetector
from trunnion_edge.probation import SwapRules
from trunnion_edge.selection import Selection
from trunnion_edge.swap import Change, Event, HotSwap

LEFT = [[0.0, 0.0, 8.0, 8.0]] * 3
RIGHT = [[32.0, 0.0, 40.0, 8.0]] * 3
NOTHING = [[0.0, 0.0, 0.0, 0.0]]
# A box of no size is dropped: sees red and green, and is blind to blue.
BLIND_TO_BLUE = [*RIGHT[:2], *NOTHING]
RULES = SwapRules(probation_frames=5, latency_floor_ms=1000.0)
Make = Callable[..., SourcedDetector]


def picture(channel: int) -> np.ndarray:
    """One colour; blue is 0, as OpenCV has it."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., channel] = 255
    return image


BLUE, RED, BLACK = picture(0), picture(2), np.zeros((64, 64, 3), np.uint8)


class Watched:
    """An engine that may be made slow, and remembers that it was closed."""

    def __init__(self, network: bytes, sleep_s: float = 0.0) -> None:
        self._engine = open_engine(network)
        self.specs, self.runtime = self._engine.specs, self._engine.runtime
        self.sleep_s = sleep_s
        self.is_closed = False

    def infer(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(self.sleep_s)
        return self._engine.infer(inputs)

    def close(self) -> None:
        self.is_closed = True
        self._engine.close()


@pytest.fixture
def make(colour_network: Callable[..., bytes], detector_spec: DetectorSpec) -> Make:
    def make(
        boxes_px: list[list[float]] = LEFT,
        *,
        name: str = "model",
        class_ids: tuple[float, float, float] = (0, 1, 2),
        labels: tuple[str, ...] = ("red", "green", "blue"),
        sleep_s: float = 0.0,
    ) -> SourcedDetector:
        spec = detector_spec.model_copy(update={"labels": labels})
        engine = Watched(colour_network(boxes_px, class_ids), sleep_s)
        source = ModelSource(Path(f"{name}.trunnion"), name, "1", name * 3, "fp32", engine.runtime)
        return SourcedDetector(Detector(engine, spec), source)

    return make


def is_closed(model: SourcedDetector) -> bool:
    engine = model.detector.engine
    assert isinstance(engine, Watched)
    return engine.is_closed


class Told:
    """Whose events are remembered."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def __call__(self, change: Change) -> None:
        self.changes.append(change)

    @property
    def events(self) -> list[tuple[Event, str]]:
        return [(change.event, change.model.source.name) for change in self.changes]


def test_the_new_model_answers_from_the_next_frame_on_and_the_old_one_is_closed_after_its_probation(
    make: Make,
) -> None:
    old, told = make(LEFT, name="old"), Told()
    swap = HotSwap(old, told)
    assert swap.detect(RED).model is old
    new = swap.offer(lambda: make(RIGHT, name="new"), RULES)
    assert (swap.model, told.events, swap.state) == (old, [], "switching at the next frame")
    for frame in range(5):
        assert not is_closed(old)
        answer = swap.detect(RED)
        assert answer.model is new
        assert answer.detections.boxes_px[0, 0] == 32
        assert swap.state == ("settled" if frame == 4 else f"on probation, frame {frame + 1} of 5")
    assert is_closed(old)
    assert told.events == [(Event.SWITCHED, "new"), (Event.SETTLED, "new")]


def test_what_fails_is_answered_by_the_old_model_on_the_same_frame(make: Make) -> None:
    old, told = make(LEFT, name="old"), Told()
    swap = HotSwap(old, told)
    swap.detect(RED)
    # Blue becomes class 9, which has no label.
    new = swap.offer(lambda: make(RIGHT, name="new", class_ids=(0, 1, 9)), RULES)
    assert swap.detect(RED).model is new
    answer = swap.detect(BLUE)
    assert (answer.model, len(answer.detections)) == (old, 1)
    assert is_closed(new)
    assert told.events == [(Event.SWITCHED, "new"), (Event.ROLLED_BACK, "old")]
    assert "got class 9" in told.changes[-1].reason
    assert (swap.switched, swap.rolled_back, swap.state) == (1, 1, "settled")
    assert swap.detect(BLUE).model is old


def test_a_frame_that_neither_model_can_take_is_the_frames_fault(make: Make) -> None:
    swap = HotSwap(make(name="old"))
    new = swap.offer(lambda: make(name="new"), RULES)
    swap.detect(RED)
    with pytest.raises(BadInput, match="the image"):
        swap.detect(np.zeros((0, 0, 3), np.uint8))
    assert swap.detect(RED).model is new
    assert swap.rolled_back == 0


def test_who_sees_nothing_where_the_old_model_sees_something_is_rolled_back(make: Make) -> None:
    old = make(LEFT, name="old")
    swap = HotSwap(old)
    swap.detect(RED)
    new = swap.offer(lambda: make(BLIND_TO_BLUE, name="new"), RULES)
    answers = [swap.detect(BLUE) for _ in range(3)]
    assert [answer.model for answer in answers] == [new, new, old]
    assert [len(answer.detections) for answer in answers] == [0, 0, 1]
    assert "saw nothing in 3 frames" in swap.outcome


def test_an_empty_scene_rolls_nothing_back(make: Make) -> None:
    swap = HotSwap(make(LEFT, name="old"))
    swap.detect(RED)
    new = swap.offer(lambda: make(RIGHT, name="new"), RULES)
    assert [swap.detect(BLACK).model for _ in range(6)] == [new] * 6
    assert (swap.rolled_back, swap.state) == (0, "settled")


def test_who_becomes_slow_is_rolled_back(make: Make) -> None:
    old = make(name="old")
    swap = HotSwap(old)
    swap.detect(RED)
    rules = SwapRules(probation_frames=20, latency_ratio_max=1.0, latency_floor_ms=60.0)
    new = swap.offer(lambda: make(name="new"), rules)
    assert isinstance(new.detector.engine, Watched)
    new.detector.engine.sleep_s = 0.12
    answers = [swap.detect(RED) for _ in range(5)]
    assert [answer.model for answer in answers] == [new] * 4 + [old]
    assert "at most 60 ms are allowed" in swap.outcome


def test_a_machine_that_becomes_slow_for_both_rolls_nothing_back(make: Make) -> None:
    old, new = make(name="old"), make(name="new")
    swap = HotSwap(old)
    swap.detect(RED)
    swap.offer(lambda: new, SwapRules(probation_frames=7, latency_floor_ms=60.0))
    for model in (old, new):
        assert isinstance(model.detector.engine, Watched)
        model.detector.engine.sleep_s = 0.1
    assert [swap.detect(RED).model for _ in range(7)] == [new] * 7
    assert (swap.rolled_back, swap.state) == (0, "settled")


@pytest.mark.parametrize(
    ("faulty", "wanted"),
    [
        (
            {"labels": ("red", "green", "cyan")},
            "got a model of red, green, cyan, wanted one of red, green, blue",
        ),
        ({"class_ids": (9, 1, 2)}, "got class 9"),
        ({"boxes_px": [[np.nan] * 4] * 3}, "not finite"),
        ({"boxes_px": NOTHING * 3}, "sees nothing where the running one does"),
        (
            {"sleep_s": 0.2},
            "2.. ms for a frame, wanted at most 60 ms",
        ),
    ],
)
def test_what_does_not_do_on_the_last_frames_is_refused_and_nothing_changes(
    make: Make, faulty: dict[str, Any], wanted: str
) -> None:
    old, told, opened = make(name="old"), Told(), []
    swap = HotSwap(old, told)
    swap.detect(RED)

    def open_faulty() -> SourcedDetector:
        opened.append(make(name="new", **faulty))
        return opened[-1]

    rules = SwapRules(latency_floor_ms=60.0)
    with pytest.raises((BadInput, Broken), match=wanted):
        swap.offer(open_faulty, rules)
    assert is_closed(opened[0])
    assert swap.detect(RED).model is old
    assert (told.events, swap.switched, swap.state) == ([], 0, "settled")
    assert swap.outcome.startswith("refused: ")


def test_other_classes_are_taken_where_they_are_allowed_but_for_a_filter_that_they_lack(make: Make) -> None:
    swap = HotSwap(make(name="old"))
    rules = SwapRules(other_labels=True)

    def open_cyan() -> SourcedDetector:
        return make(name="new", labels=("red", "green", "cyan"))

    swap.detect(RED, Selection(classes=frozenset({"blue"})))
    with pytest.raises(BadInput, match="class_filter: got 'blue', wanted some of red, green, cyan"):
        swap.offer(open_cyan, rules)
    swap.detect(RED)
    new = swap.offer(open_cyan, rules)
    assert swap.detect(RED).model is new


def test_what_cannot_be_opened_is_refused_and_another_may_be_offered(make: Make) -> None:
    swap = HotSwap(make(name="old"))

    def fail() -> SourcedDetector:
        raise BadInput(where="a bundle", got="noise", wanted="a bundle", next_step="fetch it again")

    with pytest.raises(BadInput, match="got noise"):
        swap.offer(fail)
    new = swap.offer(lambda: make(name="new"))
    assert swap.detect(RED).model is new


def test_a_second_offer_is_refused_until_the_first_is_settled(make: Make) -> None:
    swap = HotSwap(make(name="old"))
    checking, may_go_on = threading.Event(), threading.Event()

    def open_slowly() -> SourcedDetector:
        checking.set()
        assert may_go_on.wait(10)
        return make(name="new")

    offering = threading.Thread(target=lambda: swap.offer(open_slowly, RULES))
    offering.start()
    assert checking.wait(10)
    with pytest.raises(BadInput, match="now: checking a model"):
        swap.offer(make)
    may_go_on.set()
    offering.join(10)
    with pytest.raises(BadInput, match="now: switching at the next frame"):
        swap.offer(make)
    for _ in range(4):
        swap.detect(RED)
        with pytest.raises(BadInput, match="now: on probation"):
            swap.offer(make)
    swap.detect(RED)
    swap.offer(make)


def test_frames_are_answered_while_a_model_is_opened(make: Make) -> None:
    swap = HotSwap(make(name="old"))
    may_go_on = threading.Event()

    def open_slowly() -> SourcedDetector:
        assert may_go_on.wait(10)
        return make(name="new")

    offering = threading.Thread(target=lambda: swap.offer(open_slowly, RULES))
    offering.start()
    assert [swap.detect(RED).model.source.name for _ in range(20)] == ["old"] * 20
    may_go_on.set()
    offering.join(10)
    assert swap.detect(RED).model.source.name == "new"


def test_a_chosen_threshold_is_kept_over_a_swap_and_a_models_own_is_not(make: Make) -> None:
    swap = HotSwap(make(name="old"))
    swap.offer(lambda: make(name="new"), SwapRules(probation_frames=2))
    dim = np.full((64, 64, 3), 140, np.uint8)
    assert len(swap.detect(dim, Selection(confidence_threshold=0.9)).detections) == 0
    assert len(swap.detect(dim, Selection()).detections) == 3


def test_closing_closes_every_model_also_one_that_is_opened_meanwhile(make: Make) -> None:
    old, new = make(name="old"), make(name="new")
    swap = HotSwap(old)
    swap.offer(lambda: new, RULES)
    swap.detect(RED)
    swap.close()
    assert is_closed(old)
    assert is_closed(new)
    late, swap = make(name="late"), HotSwap(make(name="old"))

    def open_late() -> SourcedDetector:
        swap.close()
        return late

    with pytest.raises(Broken, match="closed meanwhile"):
        swap.offer(open_late)
    assert is_closed(late)


def test_a_hundred_swaps_between_two_threads_mix_nothing(make: Make) -> None:
    boxes = {"a": LEFT, "b": RIGHT}
    left_px = {"a": 0.0, "b": 32.0}
    swap = HotSwap(make(LEFT, name="a"))
    rules = SwapRules(probation_frames=2, latency_floor_ms=1000.0)
    done = threading.Event()

    def offer_hundred() -> None:
        try:
            for number in range(100):
                name = "ba"[number % 2]
                while swap.state != "settled":
                    time.sleep(0.0005)
                swap.offer(lambda name=name: make(boxes[name], name=name), rules)
        finally:
            done.set()

    offering = threading.Thread(target=offer_hundred, daemon=True)
    offering.start()
    answers = []
    while not done.is_set() or swap.state != "settled":
        answers.append(swap.detect(RED))
    assert all(answer.detections.boxes_px[0, 0] == left_px[answer.model.source.name] for answer in answers)
    assert (swap.switched, swap.rolled_back) == (100, 0)


def of_application(model: SourcedDetector, application: str) -> SourcedDetector:
    return replace(model, source=replace(model.source, application=application))


def test_a_bundle_with_another_policy_or_cell_is_refused_unless_allowed(make: Make) -> None:
    old, new = (of_application(make(name=name), name) for name in ("old", "new"))
    swap = HotSwap(old)
    with pytest.raises(BadInput, match="another policy or cell"):
        swap.offer(lambda: new, RULES)
    assert is_closed(new)
    allowed = of_application(make(name="new"), "new")
    assert swap.offer(lambda: allowed, replace(RULES, other_application=True)) is allowed


def test_an_output_that_is_not_finite_is_refused_also_before_the_first_frame(make: Make) -> None:
    swap = HotSwap(make(name="old"))
    with pytest.raises(BadInput, match="not finite"):
        swap.offer(lambda: make([[float("nan")] * 4] * 3, name="new"), RULES)
    assert swap.is_settled


def test_a_filter_that_is_set_before_the_first_frame_counts_too(make: Make) -> None:
    swap = HotSwap(make(name="old"))
    with pytest.raises(BadInput, match="'gear'"):
        swap.offer(lambda: make(name="new"), RULES, Selection(classes=frozenset({"gear"})))


def test_a_model_that_cannot_be_closed_costs_no_frame_and_is_told_of(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, told = make(LEFT, name="old"), Told()
    swap = HotSwap(old, told)
    swap.detect(RED)
    new = swap.offer(lambda: make(RIGHT, name="new", class_ids=(0, 1, 9)), RULES)

    def fails() -> None:
        raise Broken(where="CUDA", got="an error", wanted="none", next_step="look")

    monkeypatch.setattr(new.detector.engine, "close", fails)
    assert swap.detect(BLUE).model is old
    assert told.events == [(Event.SWITCHED, "new"), (Event.ROLLED_BACK, "old")]


def test_frames_of_a_batch_are_answered_as_each_by_itself(make: Make) -> None:
    swap = HotSwap(make(LEFT))
    together = swap.detect_many([RED, BLUE, BLACK])
    alone = [swap.detect(picture) for picture in (RED, BLUE, BLACK)]
    assert [answer.detections.class_ids.tolist() for answer in together] == [
        answer.detections.class_ids.tolist() for answer in alone
    ]


def test_a_trial_that_ends_within_a_batch_leaves_no_frame_unanswered(make: Make) -> None:
    old, told = make(LEFT, name="old"), Told()
    swap = HotSwap(old, told)
    swap.detect(RED)
    swap.offer(lambda: make(RIGHT, name="new", class_ids=(0, 1, 7)), RULES)
    answers = swap.detect_many([RED, BLUE, RED])
    assert [answer.model.source.name for answer in answers] == ["new", "old", "old"]
    assert [event for event, _ in told.events] == [Event.SWITCHED, Event.ROLLED_BACK]


def test_a_model_for_another_task_is_refused(make: Make) -> None:
    swap = HotSwap(make())
    other = make(name="poses")
    other.detector.spec = other.detector.spec.model_copy(update={"keypoints": KeypointSpec(names=("nose",))})
    with pytest.raises(BadInput, match="got a model for pose, wanted one for detection"):
        swap.offer(lambda: other, RULES)
    assert is_closed(other)
