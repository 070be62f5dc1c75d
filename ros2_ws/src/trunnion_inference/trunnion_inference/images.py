"""sensor_msgs/Image to and from numpy, without cv_bridge (which numpy 2 breaks)."""

from __future__ import annotations

import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from trunnion_contract.errors import BadInput

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
    to_bgr: Callable[[np.ndarray], np.ndarray]
    depth: str = "u1"
    side_min_px: int = 1
    width_step_px: int = 1


def _by(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: cv2.cvtColor(pixels, code)


def _from_mono16(pixels: np.ndarray) -> np.ndarray:
    grey = (pixels.astype(np.uint32) + _DEPTH_RATIO // 2) // _DEPTH_RATIO
    return cv2.cvtColor(grey.astype(np.uint8), cv2.COLOR_GRAY2BGR)


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


def bgr_image(message: Image) -> np.ndarray:
    """The picture as uint8 [height, width, 3] BGR; without a copy where the message is bgr8 without padding.

    Raises:
        BadInput: an encoding that is not in ENCODINGS, a size that it cannot have, or more or less data than that.
    """
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        raise _refused(f"encoding '{message.encoding}'", f"one of {', '.join(ENCODINGS)}")
    _check_size(message, encoding)
    return encoding.to_bgr(pixels_of(message, encoding.shape, encoding.depth))


def pixels_of(message: Image, shape: tuple[int, ...], depth: str) -> np.ndarray:
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


def _check_size(message: Image, encoding: Encoding) -> None:
    least, step = encoding.side_min_px, encoding.width_step_px
    if min(message.height, message.width) < least or message.width % step:
        even = f", the width a multiple of {step}" if step > 1 else ""
        raise _refused(
            f"{message.encoding} of {message.width}x{message.height}", f"at least {least}x{least}{even}"
        )


def _check_data(message: Image, row_bytes: int) -> None:
    size = len(message.data)
    if message.step < row_bytes or size != message.height * message.step:
        raise _refused(
            f"{size} bytes of {message.encoding} for {message.width}x{message.height} in rows of {message.step} bytes",
            f"{message.height} rows of at least {row_bytes} bytes",
        )


def _refused(got: str, wanted: str) -> BadInput:
    next_step = "set the camera driver's pixel format, or convert the image before the detector"
    return BadInput(where="the image topic", got=got, wanted=wanted, next_step=next_step)
