"""sensor_msgs/Image with depths, as REP 118 defines them, to metres."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sensor_msgs.msg import Image

from trunnion_contract.errors import BadInput
from trunnion_edge.image_encodings import pixels_of

# Each encoding with the type of its numbers, and how many metres one of them is.
DEPTH_ENCODINGS: Mapping[str, tuple[str, float]] = {"16UC1": ("u2", 1e-3), "32FC1": ("f4", 1.0)}


def depth_m(message: Image) -> np.ndarray:
    """float32 [height, width] in metres along the optical axis; without a copy where the message has them as they are.

    What was not measured is 0, NaN or infinite, as REP 117 and 118 have it.

    Raises:
        BadInput: an encoding that is not in DEPTH_ENCODINGS, no pixels, or more or less data than that.
    """
    if message.encoding not in DEPTH_ENCODINGS:
        raise _refused(f"encoding '{message.encoding}'", f"one of {', '.join(DEPTH_ENCODINGS)} (REP 118)")
    if not message.width or not message.height:
        raise _refused(f"{message.width}x{message.height}", "at least 1x1")
    kind, metres = DEPTH_ENCODINGS[message.encoding]
    depths = pixels_of(message, (), kind)
    if metres == 1.0:
        return depths.astype(np.float32, copy=False)
    return np.multiply(depths, np.float32(metres), dtype=np.float32)


def _refused(got: str, wanted: str) -> BadInput:
    next_step = "let the camera driver publish depth as 16UC1 (millimetres) or 32FC1 (metres)"
    return BadInput(where="the depth topic", got=got, wanted=wanted, next_step=next_step)
