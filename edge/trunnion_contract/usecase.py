"""The use case: the one file that a person writes, and that every stage reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from trunnion_contract.augmentation import Augmentation
from trunnion_contract.cell import CellLayout
from trunnion_contract.compliance import Compliance
from trunnion_contract.data_sources import Data, SimulationImages
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json
from trunnion_contract.manifest import Precision
from trunnion_contract.names import Fraction, Name
from trunnion_contract.plan import Plan
from trunnion_contract.policy_training import PolicyTraining
from trunnion_contract.strict import Strict, parse, read_yaml
from trunnion_contract.training_workers import Workers
from trunnion_contract.tuning import Tuning

SCHEMA_VERSION = 1
# What the base of a detector begins with when it is an architecture of torchvision.
TORCHVISION = "torchvision:"
Suppression = Literal["robot", "graph"]
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_]\w*)\}")


Int8For = Literal["cpu", "tensorrt"]


class DetectorTraining(Strict):
    """Fine-tuning of a detector of ultralytics or of torchvision.

    `base` is a checkpoint (a file, seen from the use case), or an architecture to start from random weights:
    `yolo26n.yaml` of ultralytics, `torchvision:ssdlite320_mobilenet_v3_large` of torchvision. The latter may start from
    a file of torchvision's `weights`. With `epochs` 0 the checkpoint is taken as it is. Nothing is downloaded.
    """

    base: str
    weights: Path | None = None
    image_size_px: int = Field(default=320, ge=64, le=2048, multiple_of=32)
    epochs: int = Field(ge=0, le=10_000)
    batch: int = Field(default=16, ge=1)
    frozen_layers: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=1e-3, gt=0, lt=1)
    confidence_threshold: Fraction = 0.35
    seed: int = Field(default=0, ge=0)
    workers: Workers = Workers()
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _starts_from_something(self) -> DetectorTraining:
        of_torchvision = self.base.startswith(TORCHVISION)
        if self.weights and not of_torchvision:
            raise ValueError(
                f"a base of {TORCHVISION}ARCHITECTURE, because `weights` are those of torchvision"
            )
        if not self.epochs and (of_torchvision or self.base.endswith((".yaml", ".yml"))):
            raise ValueError("at least one epoch, because an architecture alone has learnt nothing")
        return self


class Models(Strict):
    """Which models the use case needs."""

    detector: DetectorTraining | None = None
    policy: PolicyTraining | None = None

    @model_validator(mode="after")
    def _at_least_one(self) -> Models:
        if self.detector is None and self.policy is None:
            raise ValueError("a detector, a policy, or both")
        return self


class ParityLimits(Strict):
    """How far ONNX may be from torch on held-out inputs, and in how many whole episodes they may end otherwise."""

    boxes_max_px: float = Field(default=1e-3, gt=0)
    map50_difference_max: float = Field(default=0.002, gt=0)
    action_max: float = Field(default=1e-5, gt=0)
    samples: int = Field(default=64, ge=1)
    episodes: int = Field(default=50, ge=1)
    episodes_differing_max: int = Field(default=0, ge=0)


class Export(Strict):
    """What is made from the trained weights.

    `precisions` are those of the detector; a network that loses more than `map_drop_max_points` hundredths of mAP50-95
    against fp32 on the validation split fails the export. `int8_for` says what the int8 network is made for: CPUs, or
    TensorRT, which takes no zero points. `suppression` says where boxes that overlap are suppressed, for a detector
    that does not choose them itself: on the robot, or inside the graph. Above 1, `batch_max` leaves the number of
    images that the detector takes at once free.
    """

    opset: int = Field(default=17, ge=13)
    parity: ParityLimits = ParityLimits()
    precisions: tuple[Precision, ...] = ("fp32",)
    int8_for: Int8For = "cpu"
    map_drop_max_points: float = Field(default=1.0, gt=0, le=100)
    suppression: Suppression = "robot"
    batch_max: int = Field(default=1, ge=1, le=8)

    @model_validator(mode="after")
    def _one_image_at_a_time_in_the_graph(self) -> Export:
        if self.suppression == "graph" and self.batch_max > 1:
            raise ValueError("suppression on the robot: inside the graph it takes one image at a time")
        return self

    @model_validator(mode="after")
    def _reference_first(self) -> Export:
        if self.precisions[:1] != ("fp32",) or len(set(self.precisions)) != len(self.precisions):
            raise ValueError(
                "precisions that are named once each, fp32 first: it is what the others are held against"
            )
        return self


class Gates(Strict):
    """What the proof must show. A rate is held against the lower bound of its Wilson 95 % interval."""

    detector_map50_min: Fraction | None = None
    policy_success_min: Fraction | None = None
    policy_success_lower_min: Fraction | None = None

    def raised(self, margin: float) -> Gates:
        """The gates of the policy, higher by a share that is left for luck; at most 1."""
        names = ("policy_success_min", "policy_success_lower_min")
        values = {name: getattr(self, name) for name in names}
        higher = {name: min(1.0, value + margin) for name, value in values.items() if value is not None}
        return self.model_copy(update=higher)


class Prove(Strict):
    """How the models are proven; `suite` names a file beside the use case or a suite that trunnion_sim ships."""

    suite: str | None = None
    sequential: bool = False  # end scenarios early where the verdict on their gate is clear
    policy_episodes: int = Field(default=200, ge=1)
    seed: int = Field(default=100_000, ge=0)
    gates: Gates = Gates()


class Rollout(Strict):
    """Rings of devices, smallest first; the shares are of the fleet."""

    rings: tuple[Fraction, ...] = (0.05, 0.25, 1.0)
    approvals: tuple[str, ...] = ()


class UseCase(Strict):
    """A problem, and everything needed to take it to a proven model on a robot."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    problem: str
    classes: tuple[Name, ...] = Field(default=(), max_length=1000)
    data: Data | None = None
    compliance: Compliance | None = None
    models: Models
    export: Export = Export()
    prove: Prove = Prove()
    rollout: Rollout = Rollout()
    plan: Plan | None = None
    tuning: Tuning | None = None
    cell: CellLayout | None = None
    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _parts_fit_together(self) -> UseCase:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes that are named once each")
        if self.models.detector and not self.classes:
            raise ValueError("at least one class in `classes`, because the detector tells them apart")
        if self.models.detector and self.data is None:
            raise ValueError("a `data` section, because the detector learns from labelled images")
        if len(self.export.precisions) > 1 and not self.models.detector:
            raise ValueError("a detector, because it alone is made in other precisions than fp32")
        if self.prove.suite and self.cell is None:
            raise ValueError("a `cell` section, because the suite is played in it")
        self._check_renamed_classes()
        if self.cell and set(self.cell.part_heights_m) != set(self.classes):
            raise ValueError("cell.part_heights_m to name the same classes as `classes`")
        return self

    def _check_renamed_classes(self) -> None:
        renamed = {
            name
            for source in (self.data.sources if self.data else ())
            for name in source.classes.values()
            if name
        }
        if unknown := sorted(renamed - set(self.classes)):
            raise ValueError(
                f"data.sources.classes to lead to names in `classes`, which '{unknown[0]}' is not"
            )

    def digest(self) -> str:
        """SHA-256 of all that models and proof depend on: who approves them or found their settings changes neither."""
        return digest_json(self.model_dump(mode="json", by_alias=True, exclude={"plan", "tuning"}))

    def beside(self, path: str | Path) -> Path:
        """A path of the use case, seen from its file."""
        return self._folder / path

    def varied(self, values: Mapping[str, Any], where: str) -> UseCase:
        """The same with other values of some settings, each named by the keys that lead to it, with dots between.

        Raises:
            BadInput: there is no such setting, or it does not take the value.
        """
        document = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"tuning"})
        for setting, value in values.items():
            *parents, last = setting.split(".")
            section = document
            for parent in parents:
                inner = section.get(parent)
                section[parent] = inner if isinstance(inner, dict) else {}
                section = section[parent]
            section[last] = value
        other = parse(UseCase, document, where)
        other._folder = self._folder
        return other


def load_usecase(path: Path, values: dict[str, str] | None = None) -> UseCase:
    """Read a use case; `${name}` in its text values is replaced by `values[name]`.

    Raises:
        BadInput: names file and key for an unknown key, a wrong type or unit, a missing value or a missing path.
    """
    document = _filled(read_yaml(path), values or {}, str(path))
    usecase = parse(UseCase, document, str(path))
    usecase._folder = path.parent.resolve()
    _check_paths(usecase, str(path))
    return usecase


def _filled(value: Any, values: dict[str, str], where: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, values, f"{where}: {key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values, f"{where}.{index}") for index, item in enumerate(value)]
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: _value_of(match[1], values, where), value)
    return value


def _value_of(name: str, values: dict[str, str], where: str) -> str:
    if name not in values:
        raise BadInput(
            where=where, got=f"${{{name}}} without a value", wanted="a value", next_step=f"add --set {name}=VALUE"
        )  # fmt: skip
    return values[name]


def _check_paths(usecase: UseCase, where: str) -> None:
    for key, path in _paths(usecase):
        if path is not None and not usecase.beside(path).exists():
            raise BadInput(
                where=f"{where}: {key}", got=f"{path}, which does not exist",
                wanted="a file or folder (relative paths start at the use case's own folder)",
                next_step="correct the path",
            )  # fmt: skip


def _paths(usecase: UseCase) -> Iterator[tuple[str, Path | None]]:
    for index, source in enumerate(usecase.data.sources if usecase.data else ()):
        if not isinstance(source, SimulationImages) and source.url is None:
            yield f"data.sources.{index}.path", source.path
            yield f"data.sources.{index}.annotations", source.annotations
    if usecase.models.policy:
        yield "models.policy.recording", usecase.models.policy.recording
