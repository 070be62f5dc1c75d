"""numpy to sensor_msgs/Image; the way back is in trunnion_edge.image_encodings."""

from __future__ import annotations

import array

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header


def image_message(image_bgr: np.ndarray, header: Header) -> Image:
    """A bgr8 message of uint8 [height, width, 3]."""
    height, width, _ = image_bgr.shape
    data = byte_array(np.ascontiguousarray(image_bgr).data)
    return Image(header=header, height=height, width=width, encoding="bgr8", step=width * 3, data=data)


def mono16_message(image: np.ndarray, header: Header) -> Image:
    """A mono16 message of uint16 [height, width]."""
    height, width = image.shape
    data = byte_array(np.ascontiguousarray(image, "<u2").view(np.uint8).data)
    return Image(header=header, height=height, width=width, encoding="mono16", step=width * 2, data=data)


def byte_array(data: bytes | memoryview) -> array.array:
    """What the field `data` of a message takes as it is; bytes would be checked element by element."""
    values = array.array("B")
    values.frombytes(data)
    return values
