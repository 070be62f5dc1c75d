"""What each family of detectors does to images while it learns, unless the use case says otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from trunnion_contract.errors import BadInput
from trunnion_contract.usecase import UseCase
from trunnion_training.vision.family import detector_settings

# A short fine-tuning on images like those to come: no mosaics, and nothing turned.
ULTRALYTICS: Mapping[str, float] = {
    "mirrored": 0.5,
    "hue": 0.015,
    "saturation": 0.5,
    "brightness": 0.4,
    "scale": 0.2,
    "translate": 0.1,
    "rotate_max_deg": 0.0,
    "mosaic": 0.0,
}
TORCHVISION: Mapping[str, float] = {
    "mirrored": 0.5,
    "saturation": 0.25,
    "brightness": 0.25,
    "contrast": 0.25,
}


def chosen(usecase: UseCase, known: Mapping[str, float]) -> dict[str, float]:
    """The augmentation of a use case for a family that does what is `known`, with the values that it has by itself.

    Raises:
        BadInput: the use case asks for something that the family does not do.
    """
    asked = detector_settings(usecase).augmentation.model_dump(exclude_none=True)
    foreign = sorted(asked.keys() - known.keys())
    if foreign:
        raise BadInput(
            where=f"{usecase.name}: models.detector.augmentation",
            got=f"{', '.join(foreign)}, which detectors of this family do not do",
            wanted=f"some of {', '.join(known)}",
            next_step="remove it, or choose a base of another family",
        )
    return {**known, **asked}
