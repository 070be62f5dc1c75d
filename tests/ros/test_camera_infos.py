"""A CameraInfo is the camera of the image that comes with it, or it is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, RegionOfInterest

from trunnion_contract.errors import BadInput
from trunnion_edge.intrinsics import Intrinsics
from trunnion_inference.camera_infos import intrinsics_of

K = [400.0, 0.0, 319.5, 0.0, 400.0, 239.5, 0.0, 0.0, 1.0]
P = [380.0, 0.0, 310.5, 0.0, 0.0, 380.0, 230.5, 0.0, 0.0, 0.0, 1.0, 0.0]
LENS = [-0.1, 0.01, 0.001, 0.002, 0.0]


def camera_info(**changed: object) -> CameraInfo:
    fields = {"width": 640, "height": 480, "k": K, "p": P, "distortion_model": "plumb_bob", "d": LENS}
    return CameraInfo(**{**fields, **changed})


def test_the_raw_image_has_the_cameras_matrix_and_its_lens() -> None:
    camera = intrinsics_of(camera_info())
    assert camera == Intrinsics(640, 480, (400, 400), (320, 240), (*LENS, 0, 0, 0))


def test_the_rectified_image_has_the_projection_and_no_lens() -> None:
    assert intrinsics_of(camera_info(), rectified=True) == Intrinsics(640, 480, (380, 380), (311, 231))


def test_region_and_binning_are_those_of_the_image_that_comes_with_it() -> None:
    region = RegionOfInterest(x_offset=100, y_offset=40, width=320, height=240)
    camera = intrinsics_of(camera_info(d=[], roi=region, binning_x=2, binning_y=4))
    assert (camera.width_px, camera.height_px) == (160, 60)
    whole = intrinsics_of(camera_info(d=[]))
    np.testing.assert_allclose(camera.rays([10.0, 10.0]), whole.rays([120.0, 80.0]))


@pytest.mark.parametrize("binning", [0, 1])
def test_binning_of_0_is_none_as_of_1(binning: int) -> None:
    assert intrinsics_of(camera_info(binning_x=binning, binning_y=binning)) == intrinsics_of(camera_info())


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"k": [0.0] * 9}, r"got k = .* positive focal lengths"),
        ({"width": 0}, "an image size"),
        ({"distortion_model": "equidistant"}, "one of plumb_bob, rational_polynomial"),
        ({"d": [float("inf")] * 5}, "finite coefficients"),
        ({"roi": RegionOfInterest(x_offset=600, width=100, height=10)}, "inside the image"),
        ({"roi": RegionOfInterest(x_offset=600)}, "inside the image"),
        ({"binning_x": 641}, "within the image"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_refused(changed: dict[str, object], wanted: str) -> None:
    with pytest.raises(BadInput, match=wanted):
        intrinsics_of(camera_info(**changed))


@pytest.mark.parametrize(
    ("p", "wanted"), [([0.0] * 12, r"got p\[:, :3\] = .* positive"), ([*P[:3], -40.0, *P[4:]], "of a pair")]
)
def test_a_projection_that_cannot_be_used_is_refused(p: list[float], wanted: str) -> None:
    with pytest.raises(BadInput, match=wanted):
        intrinsics_of(camera_info(p=p), rectified=True)
