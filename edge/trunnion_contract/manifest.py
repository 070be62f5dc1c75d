"""What is inside a bundle: the models, what goes in and out of them, and how near they are to what was trained."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, model_validator

from trunnion_contract.cell import CellLayout
from trunnion_contract.files import digest_json
from trunnion_contract.strict import Strict

SCHEMA_VERSION: Final = 1
Dimension = int | str


class TensorSpec(Strict):
    """One input or output of a network; a dimension given by name is free."""

    name: str
    dtype: str
    shape: tuple[Dimension, ...]


class DetectorSpec(Strict):
    """How an image becomes boxes.

    The input is float32 [1, 3, S, S], RGB in [0, 1], letterboxed with `pad_value`; the output is
    float32 [1, n, 6]: x1 y1 x2 y2 (pixels of the letterboxed image), score, class.
    """

    input: TensorSpec
    output: TensorSpec
    image_size_px: int = Field(ge=32)
    colour_order: Literal["RGB"] = "RGB"
    resize: Literal["letterbox"] = "letterbox"
    pad_value: int = Field(default=114, ge=0, le=255)
    labels: tuple[str, ...] = Field(min_length=1)
    confidence_threshold: float = Field(ge=0, le=1)


class Entry(Strict):
    """A named slice of an observation or action vector, in SI units."""

    name: str
    size: int = Field(ge=1)
    unit: str
    low: float
    high: float


class PolicySpec(Strict):
    """How an observation becomes an action; normalisation and scaling are inside the graph.

    The output is float32 [N, a], or [N, chunk, a] for a policy that plans `chunk` actions at once, one for each period;
    `replan_every` of them are carried out before it is asked again.
    """

    input: TensorSpec
    output: TensorSpec
    observation: tuple[Entry, ...] = Field(min_length=1)
    action: tuple[Entry, ...] = Field(min_length=1)
    rate_hz: float = Field(gt=0)
    chunk: int = Field(default=1, ge=1)
    replan_every: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _carries_out_what_it_plans(self) -> PolicySpec:
        if self.replan_every > self.chunk:
            raise ValueError(f"replan_every of at most {self.chunk}, the chunk")
        return self


class Parity(Strict):
    """How far one step of the export is from the step before, on held-out inputs.

    `absolute` is in pixels for boxes and in the action's own units for a policy.
    """

    step: str
    samples: int
    absolute: float
    absolute_max: float
    relative: float
    map50_difference: float | None = None
    map50_difference_max: float | None = None

    @property
    def passed(self) -> bool:
        """Whether every measured difference is within its limit."""
        map50_ok = self.map50_difference is None or abs(self.map50_difference) <= (
            self.map50_difference_max or 0
        )
        return self.absolute <= self.absolute_max and map50_ok


class ModelFile(Strict):
    """A network as it ships."""

    file: str
    sha256: str
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    parity: tuple[Parity, ...]


class DetectorModel(ModelFile):
    """The detector as it ships."""

    spec: DetectorSpec


class PolicyModel(ModelFile):
    """The policy as it ships."""

    spec: PolicySpec


class ModelManifest(Strict):
    """`model.json`: what `trunnion export` made, and from what."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    name: str
    version: str
    problem: str
    usecase_digest: str
    dataset_digest: str | None
    detector: DetectorModel | None = None
    policy: PolicyModel | None = None
    cell: CellLayout | None = None
    made_with: dict[str, str]
    licences: dict[str, str]

    def digest(self) -> str:
        """SHA-256 of everything that is said here: specs, limits, layout, parity and the networks' own digests.

        What stands at its default is left out, so that a field that comes later changes no digest of before.
        """
        return digest_json(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    def files(self) -> dict[str, str]:
        """Name to SHA-256 of each network file."""
        return {model.file: model.sha256 for model in (self.detector, self.policy) if model}
