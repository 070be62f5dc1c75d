"""What training does to images: as the use case says, drawn by the code that does it, else refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase
from trunnion_edge.labelled_images import labelled, split_images
from trunnion_training.quality.augmentation_page import augmentation_page
from trunnion_training.vision.families import family_of

SSDLITE = "torchvision:ssdlite320_mobilenet_v3_large"
BASES = ["yolo26n.yaml", SSDLITE]
STILL = {"mirrored": 0, "saturation": 0, "brightness": 0}
REST = {"yolo26n.yaml": {"hue": 0, "scale": 0, "translate": 0}, SSDLITE: {"contrast": 0}}


def with_detector(usecase: UseCase, **settings: Any) -> UseCase:
    document = usecase.model_dump(by_alias=True, mode="json")
    document["models"]["detector"] |= settings
    return parse(UseCase, document, "test")


@pytest.mark.parametrize("base", BASES)
def test_an_image_is_changed_as_the_use_case_says(shapes: tuple[UseCase, Path], base: str) -> None:
    usecase, folder = shapes
    images = split_images(folder, "train")[:2]
    usual = with_detector(usecase, base=base)
    still = with_detector(usecase, base=base, augmentation={**STILL, **REST[base]})
    turned = with_detector(usecase, base=base, augmentation={**STILL, **REST[base], "mirrored": 1})
    family = family_of(usual)
    (as_is, boxes), (mirror, mirrored_boxes) = (
        family.augmented(one, images, seed=3)[0] for one in (still, turned)
    )
    _, truth = next(labelled(images))
    # Images of 64x48 px stand in the middle of a square.
    np.testing.assert_allclose(boxes.boxes_px, truth.boxes_px + np.array([0, 8, 0, 8]), atol=0.01)
    np.testing.assert_array_equal(mirror, as_is[:, ::-1])
    np.testing.assert_allclose(mirrored_boxes.boxes_px[:, [2, 0]], 64 - boxes.boxes_px[:, [0, 2]], atol=0.01)
    state, numpy_state = random.getstate(), np.random.get_state()[1].tolist()
    first, again, other = (family.augmented(usual, images, seed)[0][0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == (state, numpy_state)


def test_the_page_shows_each_class_and_what_the_images_are(shapes: tuple[UseCase, Path]) -> None:
    usecase, folder = shapes
    asked = with_detector(usecase, base=SSDLITE, augmentation={"brightness": 0.125})
    page = augmentation_page(asked, folder, family_of(asked))
    assert page.count("data:image/jpeg") == 2 * 2 * 4
    assert '<td>brightness</td><td class="number">0.125</td>' in page
    assert "6 images, 0 of them simulated and 6 others: a share of 0.000 simulated." in page
    assert "http" not in page


def test_what_cannot_be_done_is_refused(shapes: tuple[UseCase, Path]) -> None:
    usecase, folder = shapes
    mosaic = with_detector(usecase, base=SSDLITE, augmentation={"mosaic": 0.5})
    with pytest.raises(BadInput, match="mosaic, which detectors of this family do not do"):
        augmentation_page(mosaic, folder, family_of(mosaic))
    for wrong in ({"mirrored": 1.5}, {"rotate_max_deg": 270}, {"brightnes": 0.1}):
        with pytest.raises(BadInput):
            with_detector(usecase, augmentation=wrong)
