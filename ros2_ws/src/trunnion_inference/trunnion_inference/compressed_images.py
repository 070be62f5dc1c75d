"""sensor_msgs/CompressedImage to numpy: JPEG and PNG, whole ones of a size that a camera has."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CompressedImage

from trunnion_edge.encoded_images import decode_image


def bgr_compressed(message: CompressedImage) -> np.ndarray:
    """The picture as uint8 [height, width, 3] BGR.

    Raises:
        BadInput: neither JPEG nor PNG, cut short, damaged, or larger than a camera's.
    """
    return decode_image(
        bytes(message.data),
        where="the compressed image topic",
        next_step="look at the camera driver and at the network between it and the detector",
    )
