"""A detector and where it comes from, so that each of its answers can say which model gave it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.bundle import Bundle
from trunnion_contract.files import digest_json
from trunnion_contract.manifest import ModelManifest
from trunnion_edge.backends import EngineSettings
from trunnion_edge.decode import Detections
from trunnion_edge.detector import Detector
from trunnion_edge.precision import PrecisionChoice
from trunnion_edge.selection import Selection


@dataclass(frozen=True)
class ModelSource:
    """Which model: the bundle, the precision of its network, and what runs it.

    Attributes:
        digest: SHA-256 of the bundle's file.
        application: digest of the policy and the cell in the bundle, with which the detector was proven.
        runtime: as `Engine.runtime` says it, for example `onnxruntime 1.31.1 on cpu`.
    """

    bundle: Path
    name: str
    version: str
    digest: str
    precision: str
    runtime: str
    application: str = ""

    @property
    def backend(self) -> str:
        """The runtime without its version."""
        return self.runtime.partition(" ")[0]

    @property
    def device(self) -> str:
        """What the runtime runs on."""
        return self.runtime.rpartition(" on ")[2]

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.digest[:12]})"


@dataclass(frozen=True)
class SourcedDetector:
    """A detector that knows which model it is."""

    detector: Detector
    source: ModelSource

    @classmethod
    def from_bundle(
        cls,
        bundle: Bundle,
        settings: EngineSettings = EngineSettings(),
        precision: PrecisionChoice = "auto",
    ) -> SourcedDetector:
        """Open the detector of a bundle.

        Raises:
            BadInput: there is no detector in it, none of that precision, or its file does not fit the manifest.
        """
        detector = Detector.from_model(bundle.model, bundle.read, settings, precision=precision)
        source = ModelSource(
            bundle=bundle.path,
            name=bundle.manifest.name,
            version=bundle.manifest.version,
            digest=bundle.digest,
            precision=detector.precision,
            runtime=detector.engine.runtime,
            application=_application(bundle.model),
        )
        return cls(detector, source)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their ids."""
        return self.detector.labels

    def detect(
        self, images_bgr: Sequence[NDArray[np.uint8]], selection: Selection
    ) -> tuple[list[Detections], float]:
        """What is in images, by the selection's thresholds or else the model's own, and in how many milliseconds.

        Raises: as `Detector.detect_many`.
        """
        detector = self.detector
        detector.confidence_threshold = selection.threshold(detector.spec.confidence_threshold)
        detector.nms_threshold = selection.nms_threshold
        began_s = time.perf_counter()
        return detector.detect_many(images_bgr), (time.perf_counter() - began_s) * 1e3

    def close(self) -> None:
        """Close the engine."""
        self.detector.close()


def _application(model: ModelManifest) -> str:
    cell = model.cell.model_dump(mode="json") if model.cell else None
    return digest_json([model.policy.sha256 if model.policy else None, cell])
