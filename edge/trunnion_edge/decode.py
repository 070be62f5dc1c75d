"""From a detector's output to boxes in the pixels of the camera image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput
from trunnion_edge.preprocess import Letterbox


@dataclass(frozen=True)
class Detections:
    """What a detector saw in one image, the surest first.

    Attributes:
        boxes_px: float32 [n, 4], x1 y1 x2 y2 in pixels of the source image, inside it.
        scores: float32 [n] in [0, 1].
        class_ids: int64 [n], positions in the model's labels.
    """

    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float) -> Detections:
        """Those with at least this score."""
        return self.rows(self.scores >= threshold)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Detections:
        """Those of a mask or of positions."""
        return Detections(self.boxes_px[which], self.scores[which], self.class_ids[which])


def decode(output: NDArray[np.float32], letterbox: Letterbox, confidence_threshold: float) -> Detections:
    """float32 [1, n, 6] (x1 y1 x2 y2 in letterboxed pixels, score, class) → boxes in the source image.

    Rows below the threshold, with a value that is not finite, or with nothing left inside the image are dropped.

    Raises:
        BadInput: the output has another shape.
    """
    if output.ndim != 3 or output.shape[0] != 1 or output.shape[2] != 6:
        raise BadInput(
            where="the detector's output",
            got=f"{list(output.shape)}",
            wanted="[1, n, 6]: x1 y1 x2 y2 score class",
            next_step="export the detector end to end (without a separate suppression step)",
        )
    rows = output[0]
    rows = rows[(rows[:, 4] >= confidence_threshold) & np.isfinite(rows).all(axis=1)]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    width, height = letterbox.source_size_px
    boxes = np.clip(letterbox.to_source(rows[:, :4]), 0, np.array([width, height, width, height], np.float32))
    inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return Detections(boxes[inside], rows[inside, 4], np.rint(rows[inside, 5]).astype(np.int64))
