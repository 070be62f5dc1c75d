"""How long it takes to make images, and to make a dataset of many."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from trunnion.bench.measure import Row, median_row
from trunnion.bench.processes import tree_rss_mib
from trunnion_contract.bundle import Bundle
from trunnion_contract.data_sources import SimulationImages

_IMAGES = 120
_WANTED = 600
_FILES = 100_000
_CAMERA_FILES = 10_000
_DECODING = "reading, hashing and decoding, a process a core, the first time,"
_SAMPLE_S = 0.1


def rows(bundle: Bundle) -> list[Row]:
    """`data.*`, for the cell of the bundle."""
    return [*([_synthesis(bundle)] if bundle.model.cell else []), *ingest_rows(_FILES, _CAMERA_FILES)]


def ingest_rows(files: int, camera_files: int) -> list[Row]:
    """`data.ingest.*`: making a dataset against merely reading and hashing its files, and the memory of all processes.

    The first time, when every picture is decoded, and again, when all of them were seen before; for many pictures small
    as thumbnails, and for fewer as a robot's camera takes them.
    """
    small, camera = _ingest("small", files), _ingest("camera", camera_files)
    of, of_camera = f"{files} files of 160x120 px", f"{camera_files} files of 640x480 px"
    floor = "reading and hashing the pictures and labels of"
    return [
        Row("data.ingest.ratio", small.first_ratio, "ratio", f"{floor} {of}, seen for the first time", 1, 0.0),
        Row("data.ingest.again_ratio", small.again_ratio, "ratio", f"{floor} {of}, seen before", 1, 0.0),
        Row("data.ingest.decoded_ratio", small.decoded_ratio, "ratio", f"{_DECODING} {of}", 1, 0.0),
        Row("data.ingest.files_per_s", round(files / small.first_s, 1), "1/s", f"{of}, the first time", 1, 0.0),
        Row("data.ingest.again_files_per_s", round(files / small.again_s, 1), "1/s", of, 1, 0.0),
        Row("data.ingest.rss_mib", round(small.peak_mib, 1), "MiB", f"{of}, all processes together", 1, 0.0),
        Row("data.ingest.camera.ratio", camera.first_ratio, "ratio", f"{floor} {of_camera}, the first time", 1, 0.0),
        Row("data.ingest.camera.again_ratio", camera.again_ratio, "ratio", f"{floor} {of_camera}, seen before", 1, 0.0),
        Row("data.ingest.camera.decoded_ratio", camera.decoded_ratio, "ratio", f"{_DECODING} {of_camera}", 1, 0.0),
    ]  # fmt: skip


@dataclass(frozen=True)
class _Ingest:
    """Seconds of the floors and of both ingests, and the most memory that either took."""

    read_s: float
    decode_s: float
    first_s: float
    again_s: float
    peak_mib: float

    @property
    def first_ratio(self) -> float:
        return round(self.read_s / self.first_s, 4)

    @property
    def again_ratio(self) -> float:
        return round(self.read_s / self.again_s, 4)

    @property
    def decoded_ratio(self) -> float:
        return round(self.decode_s / self.first_s, 4)


def _ingest(size: str, files: int) -> _Ingest:
    with TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        _probe(f"make-{size}", source, files)
        # The floor before, between and after: what else the machine does weighs on both.
        reads_s = [_probe("read", source, files)[0]]
        decode_s, _ = _probe("decode", source, files)
        first_s, first_mib = _probe("ingest", source, files)
        reads_s.append(_probe("read", source, files)[0])
        again_s, again_mib = _probe("ingest", source, files)
        reads_s.append(_probe("read", source, files)[0])
        return _Ingest(median(reads_s), decode_s, first_s, again_s, max(first_mib, again_mib))


def _probe(what: str, source: Path, files: int) -> tuple[float, float]:
    """Seconds, and the most memory that the process and its children had at one moment."""
    command = [sys.executable, "-m", "trunnion.bench.ingest_probe", what, str(source), str(files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak_mib = 0.0
        while process.poll() is None:
            peak_mib = max(peak_mib, tree_rss_mib(process.pid))
            time.sleep(_SAMPLE_S)
        assert process.stdout is not None
        return float(process.stdout.read()), peak_mib


def _synthesis(bundle: Bundle) -> Row:
    """The seconds that 600 images take, from what starting and what each image costs in two smaller numbers of them."""
    few_s, many_s = _seconds(bundle, _IMAGES // 4), _seconds(bundle, _IMAGES)
    each_s = (many_s - few_s) / (_IMAGES - _IMAGES // 4)
    value_s = few_s + each_s * (_WANTED - _IMAGES // 4)
    against = f"{_WANTED} images, reckoned from {_IMAGES // 4} and {_IMAGES}"
    return median_row("data.synthesis.s_per_600", [value_s], "s", against)


def _seconds(bundle: Bundle, images: int) -> float:
    from trunnion_sim.synth import SimulationSource

    assert bundle.model.cell is not None
    provenance = {"origin": "bench", "licence": "Apache-2.0", "personal_data": "none"}
    settings = SimulationImages.model_validate(
        {"kind": "simulation", "images": images, "seed": 7, "provenance": provenance}
    )
    with TemporaryDirectory() as folder:
        began_s = time.perf_counter()
        SimulationSource(settings, bundle.model.cell).collect(Path(folder) / "scenes")
        return time.perf_counter() - began_s
