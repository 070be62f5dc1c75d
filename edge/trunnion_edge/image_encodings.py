"""Raw pictures as sensor_msgs/Image carries them, to pixels; without ROS, and without cv_bridge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from trunnion_contract.errors import BadInput

Pixels = NDArray[Any]
Convert = Callable[[Pixels], Pixels]


class RawImage(Protocol):
    """What a sensor_msgs/Image says of itself, whoever read it: rclpy, or a reader of recordings."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any


# Mono16 to 8 bits as cv_bridge does it: 65535 becomes 255, halves are rounded up.
_DEPTH_RATIO = 257


@dataclass(frozen=True)
class Encoding:
    """How the bytes of one pixel become BGR.

    Attributes:
        shape: what follows height and width in the array that `to_bgr` takes.
        to_bgr: array → uint8 [h, w, 3] BGR.
        side_min_px: the least height and width that the conversion takes.
        width_step_px: the width is a multiple of it, because neighbours share colour.
    """

    shape: tuple[int, ...]
    to_bgr: Convert
    depth: str = "u1"
    side_min_px: int = 1
    width_step_px: int = 1


def _by(code: int) -> Convert:
    return lambda pixels: cv2.cvtColor(pixels, code)


def _from_mono16(pixels: Pixels) -> Pixels:
    grey = (pixels.astype(np.uint32) + _DEPTH_RATIO // 2) // _DEPTH_RATIO
    return np.asarray(cv2.cvtColor(grey.astype(np.uint8), cv2.COLOR_GRAY2BGR))


def _yuv(code: int) -> Encoding:
    return Encoding((2,), _by(code), width_step_px=2)


def _bayer(code: int) -> Encoding:
    # OpenCV leaves smaller mosaics black.
    return Encoding((), _by(code), side_min_px=3)


# As sensor_msgs/image_encodings.hpp names them; uyvy and yuyv are the newer names of the two yuv422.
ENCODINGS: Mapping[str, Encoding] = {
    "bgr8": Encoding((3,), lambda pixels: pixels),
    "rgb8": Encoding((3,), _by(cv2.COLOR_RGB2BGR)),
    "bgra8": Encoding((4,), _by(cv2.COLOR_BGRA2BGR)),
    "rgba8": Encoding((4,), _by(cv2.COLOR_RGBA2BGR)),
    "mono8": Encoding((), _by(cv2.COLOR_GRAY2BGR)),
    "mono16": Encoding((), _from_mono16, depth="u2"),
    "yuv422": _yuv(cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": _yuv(cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": _yuv(cv2.COLOR_YUV2BGR_YUYV),
    "yuyv": _yuv(cv2.COLOR_YUV2BGR_YUYV),
    # ROS names the first two rows from their beginning, OpenCV's older names count from the second pixel on.
    "bayer_rggb8": _bayer(cv2.COLOR_BayerRGGB2BGR),
    "bayer_bggr8": _bayer(cv2.COLOR_BayerBGGR2BGR),
    "bayer_gbrg8": _bayer(cv2.COLOR_BayerGBRG2BGR),
    "bayer_grbg8": _bayer(cv2.COLOR_BayerGRBG2BGR),
}


def bgr_image(message: RawImage) -> Pixels:
    """The picture as uint8 [height, width, 3] BGR; without a copy where the message is bgr8 without padding.

    Raises:
        BadInput: an encoding that is not in ENCODINGS, a size that it cannot have, or more or less data than that.
    """
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        raise _refused(f"encoding '{message.encoding}'", f"one of {', '.join(ENCODINGS)}")
    _check_size(message, encoding)
    return encoding.to_bgr(pixels_of(message, encoding.shape, encoding.depth))


def pixels_of(message: RawImage, shape: tuple[int, ...], depth: str) -> Pixels:
    """The rows without their padding, in the byte order of this machine: [height, width, *shape] of a type like "u1".

    Raises:
        BadInput: more or less data than that.
    """
    row_bytes = message.width * int(np.prod(shape, dtype=int)) * np.dtype(depth).itemsize
    _check_data(message, row_bytes)
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)[:, :row_bytes]
    whole = (message.height, message.width, *shape)
    if depth == "u1":
        return rows.reshape(whole)
    order = ">" if message.is_bigendian else "<"
    return np.ascontiguousarray(rows).view(order + depth).reshape(whole)


def _check_size(message: RawImage, encoding: Encoding) -> None:
    least, step = encoding.side_min_px, encoding.width_step_px
    if min(message.height, message.width) < least or message.width % step:
        even = f", the width a multiple of {step}" if step > 1 else ""
        raise _refused(
            f"{message.encoding} of {message.width}x{message.height}", f"at least {least}x{least}{even}"
        )


def _check_data(message: RawImage, row_bytes: int) -> None:
    size = len(message.data)
    if message.step < row_bytes or size != message.height * message.step:
        raise _refused(
            f"{size} bytes of {message.encoding} for {message.width}x{message.height} in rows of {message.step} bytes",
            f"{message.height} rows of at least {row_bytes} bytes",
        )


def _refused(got: str, wanted: str) -> BadInput:
    next_step = "set the camera driver's pixel format, or convert the image before the detector"
    return BadInput(where="the image topic", got=got, wanted=wanted, next_step=next_step)
