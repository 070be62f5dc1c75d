"""The detector: an image in, boxes in its pixels out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.manifest import ModelManifest, Precision
from trunnion_edge.backends import Array, Engine, EngineSettings
from trunnion_edge.decode import Detections, decode
from trunnion_edge.exported import Reader, check_engine
from trunnion_edge.precision import PrecisionChoice, open_network
from trunnion_edge.preprocess import Preprocessor

Image = NDArray[np.uint8]
BATCH_MAX = 8


class Detector:
    """Preprocess, engine, decode. One thread at a time calls it.

    Attributes:
        confidence_threshold: may be changed between two calls.
        nms_threshold: the same; None is the model's own. It changes nothing where the network itself chooses.
        precision: of the network that runs.
        batch_max: images that one run of the network takes.
        stages_s: how long the last call took to preprocess, to infer and to decode.
    """

    def __init__(
        self,
        engine: Engine,
        spec: DetectorSpec,
        confidence_threshold: float | None = None,
        precision: Precision = "fp32",
    ) -> None:
        check_engine(engine.specs, (spec.input,), spec.outputs)
        self.engine = engine
        self.precision = precision
        self.spec = spec
        self.confidence_threshold = (
            spec.confidence_threshold if confidence_threshold is None else confidence_threshold
        )
        self.nms_threshold: float | None = None
        # Free dimensions go to 8 where engines are built for a range.
        self.batch_max = 1 if spec.input.shape[0] == 1 else BATCH_MAX
        self.stages_s = (0.0, 0.0, 0.0)
        self._preprocessor = Preprocessor(spec.image_size_px, spec.pad_value)

    @classmethod
    def from_model(
        cls,
        manifest: ModelManifest,
        read: Reader,
        settings: EngineSettings = EngineSettings(),
        *,
        confidence_threshold: float | None = None,
        precision: PrecisionChoice = "auto",
    ) -> Detector:
        """Open the detector of a bundle (`bundle.model, bundle.read`) or an export folder (`*load_export(folder)`).

        Raises:
            BadInput: there is no detector in it, none of that precision, or its file does not fit the manifest.
        """
        if manifest.detector is None:
            raise BadInput(
                where=manifest.name,
                got="no detector",
                wanted="one",
                next_step="add models.detector to the use case",
            )
        engine, chosen = open_network(manifest.detector, read, settings, precision)
        try:
            return cls(engine, manifest.detector.spec, confidence_threshold, chosen)
        except BaseException:
            engine.close()
            raise

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their ids."""
        return self.spec.labels

    def detect(self, image_bgr: Image) -> Detections:
        """uint8 [h, w, 3] BGR → what is in it, the surest first.

        Raises:
            BadInput: it is not such an image.
            Broken: the network named a class that has no label, or gave nothing but what is not finite.
        """
        return self.detect_many((image_bgr,))[0]

    def detect_many(self, images_bgr: Sequence[Image]) -> list[Detections]:
        """Images of any sizes, uint8 [h, w, 3] BGR → what is in each of them.

        Up to `batch_max` images go through the network at once.

        Raises:
            BadInput: one is not such an image; nothing was detected in any.
            Broken: the network named a class that has no label, or gave nothing but what is not finite.
        """
        found: list[Detections] = []
        for first in range(0, len(images_bgr), self.batch_max):
            found += self._detect_batch(images_bgr[first : first + self.batch_max])
        return found

    def outputs(self, image_bgr: Image) -> dict[str, Array]:
        """uint8 [h, w, 3] BGR → what the network itself says, by the names of its outputs, before anything is dropped.

        Raises:
            BadInput: it is not such an image.
        """
        tensor, _ = self._preprocessor.prepare(image_bgr)
        return self.engine.infer({self.spec.input.name: tensor})

    def warm_up(self, runs: int = 2) -> None:
        """Detect in grey images, so that the first real frame does not pay for the runtime's allocations."""
        for _ in range(runs):
            self.detect(self.grey())

    def grey(self) -> NDArray[np.uint8]:
        """An image with nothing in it, uint8 [S, S, 3]."""
        size = self.spec.image_size_px
        return np.full((size, size, 3), self.spec.pad_value, np.uint8)

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    def __enter__(self) -> Detector:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _detect_batch(self, images_bgr: Sequence[Image]) -> list[Detections]:
        marks_s = [time.perf_counter()]
        tensor, letterboxes = self._preprocessor.prepare_many(images_bgr)
        marks_s.append(time.perf_counter())
        outputs = self.engine.infer({self.spec.input.name: tensor})
        marks_s.append(time.perf_counter())
        found = decode(outputs, self.spec, letterboxes, self.confidence_threshold, self.nms_threshold)
        for detections in found:
            self._check_classes(detections.class_ids)
        marks_s.append(time.perf_counter())
        preprocess_s, infer_s, decode_s = (end - begin for begin, end in pairwise(marks_s))
        self.stages_s = preprocess_s, infer_s, decode_s
        return found

    def _check_classes(self, class_ids: NDArray[np.int64]) -> None:
        # Of a few detections, faster as a list than by two calls of numpy.
        unknown = [class_id for class_id in class_ids.tolist() if not 0 <= class_id < len(self.labels)]
        if unknown:
            raise Broken(
                where="the detector's output",
                got=f"class {unknown[0]}",
                wanted=f"a class below {len(self.labels)}",
                next_step="export the model again with the labels it was trained on",
            )
