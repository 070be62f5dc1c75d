"""A process that detects in one image, with `trunnion_edge` or with `ultralytics`, as often as it is asked.

Started by `trunnion.bench.edge` with who detects, the ONNX file and its size. Each line on stdin is a number of calls;
their seconds come back as one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from trunnion.bench.reference import noise_image, reference_spec
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.detector import Detector

_WARM_UP = 10


def trunnion(network: Path, size: int, image: np.ndarray) -> Callable[[], object]:
    """Our own detector."""
    engine = open_engine(network, EngineSettings(device="cpu"))
    return partial(Detector(engine, reference_spec(size)).detect, image)


def ultralytics(network: Path, size: int, image: np.ndarray) -> Callable[[], object]:
    """What its users call."""
    # The trainer's own settings keep it from installing packages and from writing outside its folder.
    from trunnion_training.vision.ultralytics_setup import load_ultralytics

    model = load_ultralytics().YOLO(str(network), task="detect")
    return partial(model.predict, image, imgsz=size, verbose=False, device="cpu")


def seconds(detect: Callable[[], object]) -> float:
    """How long one call takes."""
    began_s = time.perf_counter()
    detect()
    return time.perf_counter() - began_s


def main(who: str, network: Path, size: int) -> None:
    """Detect until stdin ends."""
    detect = {"trunnion": trunnion, "ultralytics": ultralytics}[who](network, size, noise_image())
    for _ in range(_WARM_UP):
        detect()
    for line in sys.stdin:
        print(json.dumps([seconds(detect) for _ in range(int(line))]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
