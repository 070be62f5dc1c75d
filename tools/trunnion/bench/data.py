"""How long it takes to make images."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from trunnion.bench.measure import Row, median_row
from trunnion_contract.bundle import Bundle
from trunnion_contract.data_sources import SimulationImages

_IMAGES = 120
_WANTED = 600


def rows(bundle: Bundle) -> list[Row]:
    """`data.*`, for the cell of the bundle."""
    return [_synthesis(bundle)] if bundle.model.cell else []


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
