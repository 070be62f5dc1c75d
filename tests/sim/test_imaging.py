from __future__ import annotations

import numpy as np
import pytest

from trunnion_sim.cell import SimulatedCell
from trunnion_sim.conditions import NOMINAL_CELL, Conditions
from trunnion_sim.imaging import compressed, exposed, sensed


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    with SimulatedCell() as cell:
        cell.lay_out(["gear", "bolt", "nut"], np.random.default_rng(2))
        return cell.render()


def _sensed(picture: np.ndarray, **conditions: float) -> np.ndarray:
    return sensed(picture, Conditions(**conditions), np.random.default_rng(0))  # type: ignore[arg-type]


def test_a_nominal_camera_leaves_every_byte_as_it_is(picture: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    assert (sensed(picture, NOMINAL_CELL, rng) == picture).all()
    assert rng.random() == np.random.default_rng(0).random(), "and draws no random number"


@pytest.mark.parametrize("stops", [-2.0, -1.0, -0.5, 0.25])
def test_a_stop_of_exposure_halves_or_doubles_the_mean_grey(picture: np.ndarray, stops: float) -> None:
    unsaturated = (picture.astype(float) * 2**stops).clip(0, 255)
    assert exposed(picture, stops).mean() == pytest.approx(unsaturated.mean(), rel=0.02)


def test_over_exposure_saturates_and_does_not_wrap_around(picture: np.ndarray) -> None:
    over = exposed(picture, 3.0)
    assert (over >= picture).all()
    assert (over == 255).mean() > 0.5


def test_under_exposure_loses_grey_levels_for_good(picture: np.ndarray) -> None:
    assert len(np.unique(exposed(exposed(picture, -4.0), 4.0))) < len(np.unique(picture)) / 8


def test_jpeg_changes_grey_levels_and_keeps_the_shape(picture: np.ndarray) -> None:
    errors = []
    for compression in (10, 50, 90):
        arrived = compressed(picture, compression)
        assert arrived.shape == picture.shape
        assert arrived.dtype == picture.dtype
        errors.append(np.abs(arrived.astype(float) - picture).mean())
    assert 0 < errors[0] < errors[1] < errors[2] < 30


def test_noise_and_blur_are_as_strong_as_they_are_called(picture: np.ndarray) -> None:
    grey = np.full_like(picture, 128)
    assert (_sensed(grey, noise=10).astype(float) - 128).std() == pytest.approx(10, rel=0.05)
    step = np.zeros_like(picture)
    step[:, 160:] = 200
    slope = np.diff(_sensed(step, blur_px=2.0)[120, :, 0].astype(float)).max()
    assert slope == pytest.approx(200 / (2.0 * np.sqrt(2 * np.pi)), rel=0.1), "the edge of a Gaussian of 2 px"


def test_noise_is_not_blurred_away_with_the_picture(picture: np.ndarray) -> None:
    grey = np.full_like(picture, 128)
    assert _sensed(grey, noise=10, blur_px=5).std() == pytest.approx(10, rel=0.05)
