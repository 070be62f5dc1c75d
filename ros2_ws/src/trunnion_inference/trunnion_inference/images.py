"""sensor_msgs/Image to and from numpy, without cv_bridge (which numpy 2 breaks)."""

from __future__ import annotations

import array

import cv2
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from trunnion_contract.errors import BadInput

# Encoding: channels, and how they become BGR.
ENCODINGS: dict[str, tuple[int, int | None]] = {
    "bgr8": (3, None),
    "rgb8": (3, cv2.COLOR_RGB2BGR),
    "mono8": (1, cv2.COLOR_GRAY2BGR),
}


def bgr_image(message: Image) -> np.ndarray:
    """The picture as uint8 [height, width, 3] BGR; without a copy where the message is bgr8 without padding.

    Raises:
        BadInput: an encoding that is not in ENCODINGS, or less data than its size says.
    """
    if message.encoding not in ENCODINGS:
        raise _refused(f"encoding '{message.encoding}'", f"one of {', '.join(ENCODINGS)}")
    channels, conversion = ENCODINGS[message.encoding]
    height, width, step = message.height, message.width, message.step
    data = np.frombuffer(message.data, dtype=np.uint8)
    if min(height, width) < 1 or step < width * channels or data.size != height * step:
        got = f"{data.size} bytes for {width}x{height} with rows of {step} bytes"
        raise _refused(got, f"{height} rows of at least {width * channels} bytes")
    image = data.reshape(height, step)[:, : width * channels].reshape(height, width, channels)
    return image if conversion is None else cv2.cvtColor(image, conversion)


def image_message(image_bgr: np.ndarray, header: Header) -> Image:
    """A bgr8 message of uint8 [height, width, 3]."""
    height, width, _ = image_bgr.shape
    # An array.array is taken as it is; bytes would be checked element by element.
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(image_bgr).data)
    return Image(header=header, height=height, width=width, encoding="bgr8", step=width * 3, data=data)


def _refused(got: str, wanted: str) -> BadInput:
    next_step = "set the camera driver's pixel format, or convert the image before the detector"
    return BadInput(where="the image topic", got=got, wanted=wanted, next_step=next_step)
