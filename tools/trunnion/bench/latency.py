"""How long an exported detector takes for an image, as the robot runs it."""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path

from trunnion.bench.measure import taking_turns
from trunnion.bench.reference import noise_image
from trunnion_edge.backends import EngineSettings
from trunnion_edge.detector import Detector
from trunnion_edge.exported import load_export

_WARM_UP = 5


def detector_latency_ms(export_dir: Path, runs: int, threads: int) -> float:
    """Median of `runs` detections, from image to boxes, by the best runtime that is here.

    Raises:
        BadInput: there is no detector in the export, or its file does not fit its manifest.
    """
    settings = EngineSettings(threads=threads)
    with Detector.from_model(*load_export(export_dir), settings) as detector:
        [seconds] = taking_turns(runs, partial(detector.detect, noise_image()), warm_up=_WARM_UP)
    return round(1e3 * statistics.median(seconds), 4)
