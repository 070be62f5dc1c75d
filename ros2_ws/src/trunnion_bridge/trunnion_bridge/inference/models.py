"""What the API gives of inference."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trunnion_bridge.models import Detection, Model


class InferenceModel(Model):
    """The network that looked at an image, so that its answer can be had again."""

    name: str = Field(examples=["sorting_cell"])
    version: str = Field(examples=["0.1.0"])
    digest: str = Field(description="of the bundle", examples=["2f0c7a"])
    precision: Literal["fp32", "fp16", "int8"]
    runtime: str = Field(examples=["onnxruntime 1.31.1 on cpu"])


class Mask(Model):
    """Which pixels of the image belong to it: COCO's run lengths, uncompressed, as pycocotools takes them."""

    size: tuple[int, int] = Field(description="height and width of the image", examples=[(240, 320)])
    counts: list[int] = Field(
        description="pixels outside, inside, outside … column by column from the top left; the first may be 0",
        examples=[[24080, 40, 52680]],
    )


class Keypoint(Model):
    """A point of it, in pixels of the image, not always inside."""

    name: str = Field(examples=["axle"])
    x_px: float = Field(examples=[110.0])
    y_px: float = Field(examples=[90.0])
    visibility: float = Field(description="how surely it is seen, in [0, 1]", examples=[0.5])


class InferredDetection(Detection):
    """A detection with what else the model says of it."""

    mask: Mask | None = Field(None, description="null unless the model segments")
    keypoints: list[Keypoint] | None = Field(None, description="null unless the model is one of poses")


class InferenceResult(Model):
    """What is in an image, the surest first. All of it is in its pixels, as it was taken: EXIF turns nothing."""

    width_px: int = Field(examples=[320])
    height_px: int = Field(examples=[240])
    confidence: float = Field(description="the least score", examples=[0.4])
    items: list[InferredDetection]
    model: InferenceModel
    waited_ms: float = Field(description="before a detector was free", examples=[1.8])
    took_ms: float = Field(description="to decode, to detect, with those detected at once", examples=[24.1])


class InferenceState(Model):
    """Whether the bridge can detect in images that are sent to it."""

    state: Literal["idle", "loading", "ready", "failed"]
    message: str
    runtime: str | None = None
    precision: Literal["fp32", "fp16", "int8"] | None = None
