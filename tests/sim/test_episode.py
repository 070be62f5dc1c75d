from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from trunnion_edge.camera import PinholeCamera
from trunnion_edge.decode import Detections
from trunnion_sim.cell import SimulatedCell
from trunnion_sim.episode import PERIOD_S, EpisodeResult, play
from trunnion_sim.expert import expert_action
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.moment import Moment
from trunnion_sim.parts import KINDS
from trunnion_sim.scenarios import Scenario

NOMINAL = Scenario(name="nominal", episodes=1)
ENTRIES = ("gripper_base_m", "opening_m", "grasped", "target_base_m", "place_base_m")


class Expert:
    """The scripted expert in the place of the network that learnt from it."""

    def forget(self) -> None:
        pass

    def act(self, observation: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
        vector = np.concatenate([np.atleast_1d(np.asarray(observation[name])) for name in ENTRIES])
        action = expert_action(vector)
        return {"velocity_base_mps": action[:3], "opening_m": action[3:]}


class Knowing:
    """A detector that is never wrong, because it looks behind the picture; `called` counts its pictures."""

    labels = tuple(KINDS)

    def __init__(self, cell: SimulatedCell, calls_everything: str | None = None) -> None:
        self._cell, self._calls_everything, self.called = cell, calls_everything, 0

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        assert image_bgr.shape == (240, 320, 3)
        self.called += 1
        parts = [part for part in self._cell.parts if part.kind.label in self.labels]
        centres = PinholeCamera.from_layout(self._cell.layout.camera).project(
            np.array([part.position_base_m() for part in parts])
        )
        named = [self._calls_everything or part.kind.label for part in parts]
        return Detections(
            np.hstack([centres - 8, centres + 8]).astype(np.float32),
            np.ones(len(parts), np.float32),
            np.array([self.labels.index(name) for name in named]),
        )


class Blind(Knowing):
    """A detector that sees nothing."""

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        return super().detect(image_bgr).above(2.0)


@pytest.fixture(scope="module")
def cell() -> Iterator[SimulatedCell]:
    with SimulatedCell(SORTING_CELL) as cell:
        yield cell


def _play(
    cell: SimulatedCell, scenario: Scenario = NOMINAL, seed: int = 200_000, **kind: object
) -> EpisodeResult:
    return play(cell, kind.get("detector", Knowing(cell)), Expert(), scenario, seed)  # type: ignore[arg-type]


def test_an_order_is_sorted_without_a_violation(cell: SimulatedCell) -> None:
    result = _play(cell)
    assert result.success, result.reason
    assert result.limit_violations == 0
    assert 1 < result.time_s < 20


def test_a_used_cell_and_a_new_one_play_an_episode_alike_to_the_last_bit(cell: SimulatedCell) -> None:
    _play(cell, seed=200_001)
    used = _play(cell, seed=200_002)
    with SimulatedCell(SORTING_CELL) as new:
        assert _play(new, seed=200_002) == used
    assert _play(cell, seed=200_003).trajectory_sha256 != used.trajectory_sha256


def test_looking_on_changes_nothing(cell: SimulatedCell) -> None:
    frames = []

    def film(moment: Moment) -> None:
        if round(moment.now_s / PERIOD_S) % 10 == 0:
            frames.append(moment.picture())

    watched = play(cell, Knowing(cell), Expert(), NOMINAL, 200_000, film)
    assert frames
    assert watched == _play(cell)


def test_the_digest_sees_a_part_that_lies_elsewhere_though_nothing_else_differs(
    cell: SimulatedCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, poses = _play(cell), cell.part_poses_base
    monkeypatch.setattr(cell, "part_poses_base", lambda: poses() + 1e-9)
    after = _play(cell)
    assert after.trajectory_sha256 != before.trajectory_sha256
    assert after.model_copy(update={"trajectory_sha256": before.trajectory_sha256}) == before


def test_frames_are_rendered_only_while_the_executive_looks(cell: SimulatedCell) -> None:
    detector = Knowing(cell)
    result = _play(cell, detector=detector)
    assert 2 <= detector.called < result.time_s / PERIOD_S / 5


def test_a_part_of_another_class_in_the_bin_is_a_failure_that_is_named(cell: SimulatedCell) -> None:
    scenario = Scenario(name="nuts", episodes=1, classes=("nut",), ordered=(1, 1))
    assert _play(cell, scenario).success
    mixed = Scenario(name="mixed", episodes=1, parts=(5, 6), ordered=(1, 1))
    results = [
        _play(cell, mixed, seed, detector=Knowing(cell, calls_everything=label))
        for seed, label in ((200_000, "gear"), (200_000, "bolt"), (200_000, "nut"))
    ]
    reasons = [result.reason for result in results if not result.success]
    assert any("holds" in reason or "in the tray" in reason for reason in reasons)
    assert len(reasons) >= 2


def test_an_order_that_cannot_be_seen_fails_and_says_so(cell: SimulatedCell) -> None:
    result = _play(cell, detector=Blind(cell))
    assert not result.success
    assert "in the tray" in result.reason


def test_a_camera_whose_frames_are_all_lost_is_named(cell: SimulatedCell) -> None:
    # So many lost frames in a row are as good as all of them.
    result = _play(cell, Scenario(name="dark", episodes=1, dropped_frames=0.999))
    assert not result.success
    assert "the detector is silent" in result.reason


def test_late_frames_and_states_are_coped_with(cell: SimulatedCell) -> None:
    prompt, late = _play(cell), _play(cell, Scenario(name="late", episodes=1, latency_ms=100))
    assert late.success, late.reason
    assert late.limit_violations == 0
    assert late.time_s > prompt.time_s


def test_noise_and_blur_reach_the_picture_that_the_detector_gets(cell: SimulatedCell) -> None:
    class Looking(Knowing):
        def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
            self.pictures = [*getattr(self, "pictures", []), image_bgr]
            return super().detect(image_bgr)

    pictures = {}
    for name, disturbance in (("clear", {}), ("noisy", {"noise": 12.0}), ("blurred", {"blur_px": 2.0})):
        detector = Looking(cell)
        _play(cell, Scenario(name=name, episodes=1, **disturbance), detector=detector)
        pictures[name] = detector.pictures[0].astype(float)
    assert 8 < (pictures["noisy"] - pictures["clear"]).std() < 14
    assert (
        np.abs(np.diff(pictures["blurred"], axis=1)).mean()
        < np.abs(np.diff(pictures["clear"], axis=1)).mean()
    )


def test_noisy_encoders_shake_the_arm_and_not_the_truth(cell: SimulatedCell) -> None:
    quiet = _play(cell)
    shaken = _play(cell, Scenario(name="shaken", episodes=1, joint_noise_deg=0.05, finger_noise_mm=0.2))
    assert shaken.trajectory_sha256 != quiet.trajectory_sha256
    assert shaken.success, shaken.reason
    lost = _play(cell, Scenario(name="lost", episodes=1, joint_noise_deg=4))
    assert not lost.success
    assert _play(cell) == quiet, "the next episode knows nothing of it"


def test_a_camera_that_stands_far_from_its_calibration_makes_the_hand_miss(cell: SimulatedCell) -> None:
    class Seeing(Knowing):
        """Knows where parts are in the picture of the camera that really takes it."""

        def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
            parts = [part for part in self._cell.parts if part.kind.label in self.labels]
            camera = PinholeCamera.from_layout(self._cell._renderer.camera.layout)
            centres = camera.project(np.array([part.position_base_m() for part in parts]))
            ids = np.array([self.labels.index(part.kind.label) for part in parts])
            boxes = np.hstack([centres - 8, centres + 8]).astype(np.float32)
            return Detections(boxes, np.ones(len(parts), np.float32), ids)

    near = Scenario(name="near", episodes=1, camera_shift_mm=1)
    far = Scenario(name="far", episodes=1, camera_shift_mm=60)
    assert _play(cell, near, detector=Seeing(cell)).success
    assert not _play(cell, far, detector=Seeing(cell)).success


def test_an_episode_of_a_drawn_scenario_is_that_of_what_is_drawn(cell: SimulatedCell) -> None:
    drawn = Scenario.model_validate({"name": "one", "episodes": 1, "draw": {"latency_ms": {"choice": [50]}}})
    assert _play(cell, drawn) == _play(cell, Scenario(name="one", episodes=1, latency_ms=50))
