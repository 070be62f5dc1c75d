"""What is inside a bundle: the models, what goes in and out of them, and how near they are to what was trained."""

from __future__ import annotations

from typing import Final, Literal, get_args

from pydantic import Field, model_validator

from trunnion_contract.cell import CellLayout
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.environment_options import EnvOptions
from trunnion_contract.files import digest_json
from trunnion_contract.strict import Strict
from trunnion_contract.tensor import TensorSpec

SCHEMA_VERSION: Final = 1
Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)
# Pictures of how each model learnt: beside the manifest of an export for the report, in no digest and no bundle.
LEARNING_CURVES: Final = {"detector": "detector_curves.png", "policy": "policy_curves.png"}


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

    Attributes:
        image: uint8 [N, h, w, 3], RGB, the second input of a policy that sees; None for one that does not.
    """

    input: TensorSpec
    output: TensorSpec
    observation: tuple[Entry, ...] = Field(min_length=1)
    action: tuple[Entry, ...] = Field(min_length=1)
    rate_hz: float = Field(gt=0)
    chunk: int = Field(default=1, ge=1)
    replan_every: int = Field(default=1, ge=1)
    image: TensorSpec | None = None

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Everything that the network takes."""
        return (self.input, self.image) if self.image else (self.input,)

    @model_validator(mode="after")
    def _sees_what_a_camera_gives(self) -> PolicySpec:
        if self.image is None:
            return self
        if self.image.dtype != "uint8" or len(self.image.shape) != 4 or self.image.shape[3] != 3:
            raise ValueError("an image of uint8 [N, h, w, 3]")
        if not all(isinstance(side, int) and side > 0 for side in self.image.shape[1:3]):
            raise ValueError("an image whose height and width are given")
        if self.image.name in (self.input.name, *(entry.name for entry in self.observation)):
            raise ValueError("an image with a name of its own")
        return self

    @model_validator(mode="after")
    def _carries_out_what_it_plans(self) -> PolicySpec:
        if self.replan_every > self.chunk:
            raise ValueError(f"replan_every of at most {self.chunk}, the chunk")
        size = sum(entry.size for entry in self.action)
        wanted = (self.chunk, size) if self.chunk > 1 else (size,)
        if self.output.shape[1:] != wanted:
            raise ValueError(f"an output of [N, {', '.join(map(str, wanted))}], as chunk and action say")
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


class Accuracy(Strict):
    """Mean average precision of a detector on a split, as COCO defines it."""

    images: int = Field(ge=1)
    map50: float
    map50_95: float


class PrecisionParity(Strict):
    """How far a network of less precision is from the fp32 one, on the validation split.

    Drops are in points of average precision, that is hundredths; a gain is negative. The largest difference of a box
    between the two is told and not gated: an unsure box may come or go, and then counts as large as it is.
    """

    images: int = Field(ge=1)
    map50_drop_points: float
    map50_95_drop_points: float
    map50_95_drop_max_points: float
    boxes_largest_px: float

    @property
    def passed(self) -> bool:
        """Whether mAP50-95 dropped by no more than it may."""
        return self.map50_95_drop_points <= self.map50_95_drop_max_points


class NetworkFile(Strict):
    """A file with a network in it."""

    file: str
    sha256: str
    precision: Precision = "fp32"


class ModelFile(NetworkFile):
    """A network as it ships."""

    parity: tuple[Parity, ...]


class DetectorVariant(NetworkFile):
    """The detector in another precision than fp32: same inputs, outputs and meaning, float32 in and out."""

    parity: PrecisionParity
    accuracy: Accuracy


class DetectorModel(ModelFile):
    """The detector as it ships.

    Attributes:
        accuracy: of the fp32 network on the validation split; measured where there are variants to compare with it.
    """

    spec: DetectorSpec
    accuracy: Accuracy | None = None
    variants: tuple[DetectorVariant, ...] = ()

    @property
    def networks(self) -> dict[Precision, NetworkFile]:
        """Every network of the detector, fp32 first."""
        return {network.precision: network for network in (self, *self.variants)}

    @model_validator(mode="after")
    def _each_once(self) -> DetectorModel:
        networks = (self, *self.variants)
        if len({network.file for network in networks}) != len(networks):
            raise ValueError("networks in files of their own")
        if len(self.networks) != len(networks):
            raise ValueError("one network for each precision")
        return self


class EpisodeParity(Strict):
    """Whole episodes of the same seeds, played by the trained network and by the exported one."""

    episodes: int = Field(ge=1)
    torch_successes: int = Field(ge=0)
    onnx_successes: int = Field(ge=0)
    differing: int = Field(ge=0)
    differing_max: int = Field(ge=0)

    @property
    def passed(self) -> bool:
        """Whether no more episodes ended otherwise than may."""
        return self.differing <= self.differing_max


class PolicyModel(ModelFile):
    """The policy as it ships.

    Attributes:
        env_options: arguments of the environment that it learnt in, and is proven in.
    """

    spec: PolicySpec
    episodes: EpisodeParity | None = None
    env_options: EnvOptions = Field(default_factory=dict)


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
        detector = self.detector.networks.values() if self.detector else ()
        policy = (self.policy,) if self.policy else ()
        return {network.file: network.sha256 for network in (*detector, *policy)}
