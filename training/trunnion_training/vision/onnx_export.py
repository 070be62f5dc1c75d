"""From an ultralytics checkpoint to an ONNX graph that gives final boxes."""

from __future__ import annotations

import io
import shutil
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from trunnion_contract.files import whole_file
from trunnion_training.vision.checkpoint import load_model
from trunnion_training.vision.torch_engine import has_own_choice, suppression_settings
from trunnion_training.vision.ultralytics_setup import load_ultralytics


def export_onnx(checkpoint: Path, target: Path, image_size_px: int, opset: int) -> None:
    """Write the graph: float32 [1, 3, S, S] → float32 [1, 300, 6], the same bytes for the same checkpoint.

    YOLO26 chooses its boxes itself; a family that does not gets suppression inside the graph.
    """
    ultralytics = load_ultralytics()
    own = has_own_choice(load_model(checkpoint))
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copyfile(checkpoint, Path(folder) / "detector.pt")
        settings = {"nms": False} if own else {"nms": True, **suppression_settings()}
        # Warnings about tracing and shapes are the exporter's own business.
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            exported = ultralytics.YOLO(str(copy)).export(
                format="onnx",
                imgsz=image_size_px,
                opset=opset,
                simplify=True,
                device="cpu",
                verbose=False,
                **settings,
            )
        _without_metadata(Path(exported), target)


def _without_metadata(source: Path, target: Path) -> None:
    """Drop time, paths and versions, which would make every export another file."""
    import onnx

    graph = onnx.load(source)
    del graph.metadata_props[:]
    onnx.checker.check_model(graph)
    with whole_file(target) as temporary:
        onnx.save(graph, temporary)
