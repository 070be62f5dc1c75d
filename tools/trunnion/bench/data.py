"""How long it takes to make images, and to make a dataset of many."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from trunnion.bench.measure import Row, median_row
from trunnion.bench.processes import tree_rss_mib
from trunnion_contract.bundle import Bundle
from trunnion_contract.data_sources import SimulationImages

_IMAGES = 120
_WANTED = 600
_FILES = 100_000
_SAMPLE_S = 0.1


def rows(bundle: Bundle) -> list[Row]:
    """`data.*`, for the cell of the bundle."""
    return [*([_synthesis(bundle)] if bundle.model.cell else []), *ingest_rows(_FILES)]


def ingest_rows(files: int) -> list[Row]:
    """`data.ingest.*`: throughput of making a dataset over that of its floors, and the memory of all its processes."""
    with TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        _probe("make", source, files)
        read_s, _ = _probe("read", source, files)
        decode_s, _ = _probe("decode", source, files)
        ingest_s, peak_mib = _probe("ingest", source, files)
    of = f"{files} files of 160x120 px"
    return [
        Row("data.ingest.ratio", round(read_s / ingest_s, 4), "ratio", f"reading and hashing {of}", 1, 0.0),
        Row(
            "data.ingest.decoded_ratio", round(decode_s / ingest_s, 4), "ratio",
            f"reading, hashing and decoding {of}, a process a core", 1, 0.0,
        ),
        Row("data.ingest.files_per_s", round(files / ingest_s, 1), "1/s", of, 1, 0.0),
        Row("data.ingest.rss_mib", round(peak_mib, 1), "MiB", f"{of}, all processes together", 1, 0.0),
    ]  # fmt: skip


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
