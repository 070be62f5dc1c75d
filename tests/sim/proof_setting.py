"""A use case with its dataset and export, made by hand, so that a proof of it takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import gymnasium
import numpy as np
import yaml

from trunnion_contract.bundle import MODEL
from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.files import digest_bytes, write_json, write_text
from trunnion_contract.manifest import (
    Accuracy,
    DetectorModel,
    DetectorVariant,
    ModelManifest,
    PolicyModel,
    PolicySpec,
    PrecisionParity,
)
from trunnion_contract.progress import Silent
from trunnion_contract.proof import Proof
from trunnion_contract.tensor import TensorSpec
from trunnion_contract.usecase import UseCase, load_usecase
from trunnion_sim import SORTING_CELL_ID
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.prove import Options, prove

EPISODES, POLICY_EPISODES = 2, 1
INT8 = "detector.int8.onnx"
SUITE = {
    "schema": 1,
    "name": "small",
    "version": "1.0.0",
    "scenarios": [
        {"name": "nominal", "episodes": EPISODES, "success_lower_min": 0.5},
        {"name": "late", "episodes": EPISODES, "latency_ms": 50},
    ],
}
PROVENANCE = {"origin": "o", "licence": "MIT", "personal_data": "none"}


class Counting(Silent):
    """Progress that counts the steps of work that was done, and not found done."""

    def __init__(self) -> None:
        self.totals: list[int] = []
        self.found = self.done_now = 0

    def start(self, label: str, total: int) -> None:
        self.totals.append(total)

    def advance(self, steps: int = 1, note: str = "") -> None:
        if note:
            self.done_now += steps
        else:
            self.found += steps


class Setting:
    """A use case with its dataset and export, in a folder of its own.

    The policy takes and gives what the environment `vectors_of` does, or its own where none is said.
    """

    def __init__(
        self,
        folder: Path,
        networks: dict[str, bytes],
        simulated: bool = True,
        scenarios: list[dict[str, Any]] | None = None,
        policy_env: tuple[str, str] = ("trunnion_sim", "trunnion/SortingCell-v0"),
        policy_episodes: int = POLICY_EPISODES,
        closed_loop: bool = True,
        vectors_of: str | None = None,
    ) -> None:
        self.folder = folder
        suite = {**SUITE, "scenarios": scenarios} if scenarios else SUITE if closed_loop else None
        self.usecase = _usecase(folder, suite, policy_env, policy_episodes, simulated)
        self.dataset_dir, self.export_dir = folder / "data", folder / "export"
        _write_dataset(self.dataset_dir)
        _write_export(self.export_dir, self.usecase, networks, vectors_of)
        write_json(folder / "usecase.json", self.usecase.model_dump(mode="json", by_alias=True))

    def prove(
        self, out: str = "prove", workers: int = 2, progress: Silent | None = None, **options: Any
    ) -> Proof:
        out_dir = self.folder / out
        out_dir.mkdir(exist_ok=True)
        return prove(
            self.usecase,
            self.dataset_dir,
            self.export_dir,
            out_dir,
            progress or Silent(),
            workers=workers,
            options=Options(**options),
        )

    def read(self, out: str, file: str) -> bytes:
        return (self.folder / out / file).read_bytes()


def _usecase(
    folder: Path,
    suite: dict[str, Any] | None,
    policy_env: tuple[str, str],
    policy_episodes: int,
    simulated: bool,
) -> UseCase:
    document: dict[str, Any] = {
        "schema": 1,
        "name": "cell",
        "version": "0.1.0",
        "problem": "Sort.",
        "classes": ["gear", "bolt", "nut"],
        "data": {
            "sources": [{"kind": "yolo", "path": ".", "provenance": PROVENANCE}],
            "split": {"train": 0.5, "val": 0.25, "test": 0.25},
        },
        "models": {"detector": {"base": "x.pt", "epochs": 1}},
    }
    if simulated:
        document["cell"] = SORTING_CELL.model_dump(mode="json")
        document["prove"] = {"policy_episodes": policy_episodes}
        if suite:
            document["prove"]["suite"] = "suite.yaml"
        document["models"]["policy"] = {
            "env": policy_env[1],
            "env_package": policy_env[0],
            "demonstrations": 1,
            "epochs": 1,
        }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite))
    (folder / "cell.yaml").write_text(yaml.safe_dump(document))
    return load_usecase(folder / "cell.yaml")


def _write_dataset(folder: Path) -> None:
    for index in range(4):
        image = folder / "images/test" / f"{index}.jpg"
        image.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(image), np.full((64, 64, 3), 60 * index, np.uint8))
        write_text(folder / "labels/test" / f"{index}.txt", "0 0.90625 0.46875 0.125 0.125\n")


def _write_export(folder: Path, usecase: UseCase, networks: dict[str, bytes], vectors_of: str | None) -> None:
    folder.mkdir(parents=True)
    for name, data in networks.items():
        (folder / name).write_bytes(data)
    detector = DetectorModel(
        file="detector.onnx",
        sha256=digest_bytes(networks["detector.onnx"]),
        parity=(),
        spec=DetectorSpec(
            input=TensorSpec(name="images", dtype="float32", shape=(1, 3, 64, 64)),
            output=TensorSpec(name="output0", dtype="float32", shape=(1, 1, 6)),
            image_size_px=64,
            labels=usecase.classes,
            confidence_threshold=0.5,
        ),
        variants=tuple(_variant(networks[name]) for name in networks if name == INT8),
    )
    training = usecase.models.policy
    policy = _policy_model(networks["policy.onnx"], vectors_of or training.env) if training else None
    model = ModelManifest(
        name=usecase.name,
        version=usecase.version,
        problem=usecase.problem,
        usecase_digest=usecase.digest(),
        dataset_digest=digest_bytes(b"dataset"),
        detector=detector,
        policy=policy,
        cell=usecase.cell,
        made_with={},
        licences={},
    )
    write_json(folder / MODEL, model.model_dump(mode="json", by_alias=True))


def _variant(network: bytes) -> DetectorVariant:
    parity = PrecisionParity(
        images=4,
        map50_drop_points=0,
        map50_95_drop_points=0,
        map50_95_drop_max_points=1,
        boxes_largest_px=0,
    )
    accuracy = Accuracy(images=4, map50=1, map50_95=1)
    digest = digest_bytes(network)
    return DetectorVariant(file=INT8, sha256=digest, precision="int8", parity=parity, accuracy=accuracy)


def _policy_model(network: bytes, env_id: str) -> PolicyModel:
    # Environments that a test brings itself are known to its workers only, and have the sorting cell's entries.
    with gymnasium.make(env_id if env_id in gymnasium.registry else SORTING_CELL_ID) as made:
        env: Any = made.unwrapped
    sizes = [
        sum(entry.size for entry in entries) for entries in (env.observation_entries, env.action_entries)
    ]
    spec = PolicySpec(
        input=TensorSpec(name="observation", dtype="float32", shape=("N", sizes[0])),
        output=TensorSpec(name="action", dtype="float32", shape=("N", sizes[1])),
        observation=env.observation_entries,
        action=env.action_entries,
        rate_hz=env.rate_hz,
    )
    return PolicyModel(file="policy.onnx", sha256=digest_bytes(network), parity=(), spec=spec)
