"""Which of a network's candidates are kept: of those that overlap, the surest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Of thousands of candidates, only the surest are compared with each other, and no more than this are kept.
CANDIDATES_MAX, KEPT_MAX = 3000, 300


def suppress(
    boxes_px: NDArray[np.float32],
    scores: NDArray[np.float32],
    class_ids: NDArray[np.int64],
    nms_threshold: float,
) -> NDArray[np.int64]:
    """Boxes float32 [n, 4] (x1 y1 x2 y2, finite), scores [n], classes [n] → positions of those kept, the surest first.

    A box gives way to a surer one of its class that it overlaps by more than `nms_threshold` (intersection over union).
    """
    import cv2

    surest = np.argsort(-scores, kind="stable")[:CANDIDATES_MAX]
    if not len(surest):
        return surest
    corners = boxes_px[surest].astype(np.float64)
    sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    # Scores were held against their threshold before; here every one passes.
    kept = cv2.dnn.NMSBoxesBatched(
        sides.tolist(), scores[surest].tolist(), class_ids[surest].tolist(), -1.0, nms_threshold
    )
    return surest[np.sort(np.asarray(kept, np.int64).reshape(-1))[:KEPT_MAX]]
