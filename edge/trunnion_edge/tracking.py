"""Which box is which object, from image to image: ByteTrack, as roboflow's `trackers` has it.

The one optional part of the edge that needs more than it stands on: `pip install "./edge[tracking]"`.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_edge.decode import Detections

_PACKAGE = "trackers"
_ROW = "row"
# The unit in which `trackers` counts how long a track is kept.
_BUFFER_HZ = 30.0


@dataclass(frozen=True)
class TrackingSettings:
    """How objects are followed.

    Attributes:
        new_track_score_min: a box this sure may be a new object.
        sure_score_min: boxes this sure choose their objects first, the others after them.
        iou_min: overlap with where an object is expected, from which on a box may be that object.
        confirmed_after: images in a row in which an object is seen before it has an id.
        lost_after_s: how long an object that is not seen keeps its id.
    """

    new_track_score_min: float = 0.5
    sure_score_min: float = 0.5
    iou_min: float = 0.1
    confirmed_after: int = 2
    lost_after_s: float = 1.0


@dataclass(frozen=True)
class Tracks:
    """The objects that are seen in one image, the surest first.

    Attributes:
        detections: their boxes.
        ids: int64 [n], each object's own as long as it is followed.
    """

    detections: Detections
    ids: NDArray[np.int64]


class Tracker:
    """Follows the objects of one camera. One thread at a time calls it."""

    def __init__(self, settings: TrackingSettings = TrackingSettings()) -> None:
        require_tracking()
        self._settings = settings
        self._last_s: float | None = None
        self._late_s = 0.0
        self._tracker = _byte_track(settings)

    def update(self, detections: Detections, stamp_s: float) -> Tracks:
        """What was seen in the image of that time.

        A time before the last one (a bag that begins again) starts anew. A clock that stands still (a driver without
        stamps) counts as a thirtieth of a second.
        """
        if self._last_s is not None and stamp_s < self._last_s:
            self.reset()
        self._late_s += 1 / _BUFFER_HZ if stamp_s == self._last_s else 0.0
        self._last_s = stamp_s
        followed = self._tracker.update(_supervision(detections), timestamp=stamp_s + self._late_s)
        ids, rows = (
            np.asarray(followed.tracker_id, np.int64),
            np.asarray(followed.data.get(_ROW, []), np.int64),
        )
        seen = np.argsort(rows, kind="stable")
        seen = seen[ids[seen] >= 0]
        return Tracks(detections.rows(rows[seen]), ids[seen])

    def reset(self) -> None:
        """Forget every object; ids begin anew."""
        self._last_s, self._late_s = None, 0.0
        self._tracker = _byte_track(self._settings)


def require_tracking() -> None:
    """Raises BadInput where the package is not installed."""
    if importlib.util.find_spec(_PACKAGE) is None:
        raise BadInput(
            where="tracking",
            got=f"no Python package '{_PACKAGE}'",
            wanted="one that follows objects",
            next_step='pip install "./edge[tracking]" (it needs NumPy 2)',
        )


def _byte_track(settings: TrackingSettings) -> Any:
    from trackers import ByteTrackTracker

    return ByteTrackTracker(
        lost_track_buffer=max(1, round(settings.lost_after_s * _BUFFER_HZ)),
        frame_rate=_BUFFER_HZ,
        track_activation_threshold=settings.new_track_score_min,
        high_conf_det_threshold=settings.sure_score_min,
        minimum_iou_threshold=settings.iou_min,
        minimum_consecutive_frames=settings.confirmed_after,
    )


def _supervision(detections: Detections) -> Any:
    """Detections as `trackers` takes them; each remembers its row, because it comes back in another order."""
    import supervision

    return supervision.Detections(
        xyxy=detections.boxes_px.astype(np.float64),
        confidence=detections.scores.astype(np.float64),
        class_id=detections.class_ids,
        data={_ROW: np.arange(len(detections))},
    )
