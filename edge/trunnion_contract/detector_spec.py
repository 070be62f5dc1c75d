"""What a detector takes and gives: boxes, and where the network has them, masks or keypoints."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from trunnion_contract.strict import Strict
from trunnion_contract.tensor import Dimension, TensorSpec

Task = Literal["detection", "segmentation", "pose"]


class MaskSpec(Strict):
    """Masks as weighted sums of `prototypes`, float32 [N, coefficients, h, w], h and w in proportion to the image.

    A pixel is in a mask where the sum is above 0.
    """

    prototypes: TensorSpec
    coefficients: int = Field(ge=1)


class KeypointSpec(Strict):
    """Points of each object: x y (pixels of the letterboxed image), and visibility in [0, 1] where `values` is 3."""

    names: tuple[str, ...] = Field(min_length=1)
    values: Literal[2, 3] = 3


class DetectorSpec(Strict):
    """How images become boxes.

    The input is float32 [N, 3, S, S], RGB in [0, 1], letterboxed with `pad_value`; N is 1, or free for a network that
    takes several images at once. The output, in pixels of the letterboxed image, is of one of two forms:

    - `chosen`: float32 [N, n, 6 + e], each object once: x1 y1 x2 y2, score, class, extras.
    - `candidates`: float32 [N, 4 + c + e, n], to be suppressed where they overlap by more than `nms_threshold`:
      centre x and y, width, height, a score for each of the c classes, extras.

    The e extras are the coefficients of a mask, or the values of all keypoints.
    """

    input: TensorSpec
    output: TensorSpec
    image_size_px: int = Field(ge=32)
    colour_order: Literal["RGB"] = "RGB"
    resize: Literal["letterbox"] = "letterbox"
    pad_value: int = Field(default=114, ge=0, le=255)
    labels: tuple[str, ...] = Field(min_length=1)
    confidence_threshold: float = Field(ge=0, le=1)
    form: Literal["chosen", "candidates"] = "chosen"
    nms_threshold: float = Field(default=0.7, gt=0, le=1)
    masks: MaskSpec | None = None
    keypoints: KeypointSpec | None = None

    @property
    def task(self) -> Task:
        """What is found of each object besides its box."""
        return "segmentation" if self.masks else "pose" if self.keypoints else "detection"

    @property
    def extras(self) -> int:
        """Values of each detection after box, score and class."""
        keypoints = len(self.keypoints.names) * self.keypoints.values if self.keypoints else 0
        return keypoints + (self.masks.coefficients if self.masks else 0)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Everything that the network gives."""
        return (self.output, *((self.masks.prototypes,) if self.masks else ()))

    @property
    def columns(self) -> int:
        """Values that the network gives for each detection or candidate."""
        return 6 + self.extras if self.form == "chosen" else 4 + len(self.labels) + self.extras

    @model_validator(mode="after")
    def _output_fits(self) -> DetectorSpec:
        if self.masks and self.keypoints:
            raise ValueError("masks or keypoints, not both")
        shape: tuple[Dimension, ...] = self.output.shape
        columns = shape[2 if self.form == "chosen" else 1] if len(shape) == 3 else None
        if columns != self.columns and not isinstance(columns, str):
            wanted = f"n, {self.columns}" if self.form == "chosen" else f"{self.columns}, n"
            raise ValueError(f"an output of [N, {wanted}], as form, labels, masks and keypoints say")
        return self
