"""A trained network behind the robot's own engine protocol, so that it is measured with the robot's own code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trunnion_contract.manifest import DetectorSpec, TensorSpec
from trunnion_edge.backends.engine import Array, EngineSpecs, check_inputs
from trunnion_training.vision.checkpoint import load_model

if TYPE_CHECKING:
    import torch

# ultralytics' own names for what its exports take and give.
INPUT, OUTPUT, DETECTIONS_MAX = "images", "output0", 300


def detector_spec(image_size_px: int, labels: tuple[str, ...], confidence_threshold: float) -> DetectorSpec:
    """What an end-to-end detector of this size takes and gives."""
    return DetectorSpec(
        input=TensorSpec(name=INPUT, dtype="float32", shape=(1, 3, image_size_px, image_size_px)),
        output=TensorSpec(name=OUTPUT, dtype="float32", shape=(1, DETECTIONS_MAX, 6)),
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


def end_to_end(model: torch.nn.Module) -> torch.nn.Module:
    """The network followed by the choice of its 300 best boxes: its own head's, or suppression for older families."""
    import torch

    class EndToEnd(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            output = self.model(images)
            return output[0] if isinstance(output, (tuple, list)) else output

    return (EndToEnd() if has_own_choice(model) else _suppressed(model)).eval()


def has_own_choice(model: torch.nn.Module) -> bool:
    """Whether the head gives final boxes (YOLO26 and YOLOv10), rather than candidates to be suppressed."""
    return bool(getattr(model, "end2end", False))


def suppression_settings() -> dict[str, object]:
    """How candidates of older families are suppressed, alike in torch and in the exported graph."""
    return {"conf": 0.001, "iou": 0.7, "max_det": DETECTIONS_MAX, "agnostic_nms": False}


def _suppressed(model: torch.nn.Module) -> torch.nn.Module:
    from types import SimpleNamespace

    from ultralytics.engine.exporter import NMSModel

    settings = SimpleNamespace(format="onnx", dynamic=False, batch=1, opset=17, **suppression_settings())
    network: torch.nn.Module = NMSModel(model, settings)
    return network
