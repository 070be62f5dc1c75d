"""How images are changed at random while a detector learns, as a use case says it."""

from __future__ import annotations

from pydantic import Field

from trunnion_contract.names import Fraction
from trunnion_contract.strict import Strict


class Augmentation(Strict):
    """What is left out is as the family of the detector has it; what a family does not do is refused when it trains.

    `mirrored` is the share of images in which left and right are changed, `mosaic` that of images put together from
    four. `hue`, `saturation`, `brightness`, `contrast`, `scale` and `translate` are the largest changes, as shares of
    what there is (`translate` of the image's side), `rotate_max_deg` is the largest turn to either side.
    """

    mirrored: Fraction | None = None
    hue: Fraction | None = None
    saturation: Fraction | None = None
    brightness: Fraction | None = None
    contrast: Fraction | None = None
    scale: Fraction | None = None
    translate: Fraction | None = None
    rotate_max_deg: float | None = Field(default=None, ge=0, le=180)
    mosaic: Fraction | None = None
