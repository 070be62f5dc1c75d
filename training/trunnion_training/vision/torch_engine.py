"""A trained network behind the robot's own engine protocol, so that it is measured with the robot's own code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trunnion_contract.detector_spec import DetectorSpec
from trunnion_contract.tensor import TensorSpec
from trunnion_edge.backends.engine import Array, EngineSpecs, check_inputs
from trunnion_training.vision.checkpoint import load_model

if TYPE_CHECKING:
    import torch
    from ultralytics.nn.tasks import DetectionModel

# ultralytics' own names for what its exports take and give.
INPUT, OUTPUT, DETECTIONS_MAX = "images", "output0", 300


def detector_spec(image_size_px: int, labels: tuple[str, ...], confidence_threshold: float) -> DetectorSpec:
    """What an end-to-end detector of this size takes and gives; how many boxes, 300 at most, its export says."""
    return DetectorSpec(
        input=TensorSpec(name=INPUT, dtype="float32", shape=(1, 3, image_size_px, image_size_px)),
        output=TensorSpec(name=OUTPUT, dtype="float32", shape=(1, "n", 6)),
        image_size_px=image_size_px,
        labels=labels,
        confidence_threshold=confidence_threshold,
    )


class TorchEngine:
    """Runs a torch network that takes float32 [1, 3, S, S] and gives float32 [1, n, 6]."""

    def __init__(self, network: torch.nn.Module, spec: DetectorSpec) -> None:
        self._network = network
        self._specs = EngineSpecs((spec.input,), (spec.output,))

    @property
    def specs(self) -> EngineSpecs:
        """Inputs and outputs."""
        return self._specs

    @property
    def runtime(self) -> str:
        """Torch's version; the network stays on the CPU, where it is compared."""
        import torch

        return f"torch {torch.__version__} on cpu"

    def infer(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the network."""
        import torch

        check_inputs(self._specs, inputs)
        with torch.inference_mode():
            output = self._network(torch.from_numpy(np.ascontiguousarray(inputs[self._specs.inputs[0].name])))
        return {self._specs.outputs[0].name: output.numpy()}

    def close(self) -> None:
        """Nothing to give back."""

    def __enter__(self) -> TorchEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_checkpoint(path: Path, spec: DetectorSpec) -> TorchEngine:
    """The network of a checkpoint, with its boxes chosen as the export chooses them."""
    return TorchEngine(end_to_end(load_model(path)), spec)


def end_to_end(model: DetectionModel) -> torch.nn.Module:
    """The network followed by the choice of its best boxes: its own head's, or suppression for older families."""
    head, own = model.model[-1], has_own_choice(model)
    head.end2end, head.xyxy, head.export, head.format = own, not own, True, "onnx"
    return (model if own else _suppressed(model)).eval()


def has_own_choice(model: DetectionModel) -> bool:
    """Whether there is a head that gives each object once (YOLO26, YOLOv10), rather than candidates to suppress."""
    return getattr(model.model[-1], "one2one_cv2", None) is not None


def suppression_settings() -> dict[str, object]:
    """How candidates of older families are suppressed, alike in torch and in the exported graph."""
    return {"conf": 0.001, "iou": 0.7, "max_det": DETECTIONS_MAX, "agnostic_nms": False}


def _suppressed(model: DetectionModel) -> torch.nn.Module:
    from types import SimpleNamespace

    from ultralytics.engine.exporter import NMSModel

    settings = SimpleNamespace(format="onnx", dynamic=False, batch=1, opset=17, **suppression_settings())
    network: torch.nn.Module = NMSModel(model, settings)
    return network
