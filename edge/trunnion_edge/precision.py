"""Which of a detector's networks runs here: the one that was asked for, or the one that is fastest on this machine."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import DetectorModel, Precision
from trunnion_contract.progress import Progress
from trunnion_edge.agreement import CpuAgreement
from trunnion_edge.backends import Engine, EngineSettings, open_engine
from trunnion_edge.engine_builder import EngineDiffers
from trunnion_edge.exported import Reader, read_network

_log = logging.getLogger(__name__)

PrecisionChoice = Literal["auto", "fp32", "fp16", "int8"]
CHOICES: tuple[PrecisionChoice, ...] = get_args(PrecisionChoice)
# Below, what a network of less precision loses is not paid for; timing errors stay below it too.
SPEEDUP_MIN = 1.1
RUNS = 9
_WARM_UPS = 2


class OpenNetwork(NamedTuple):
    """An engine, and the precision of the network that it runs."""

    engine: Engine
    precision: Precision


def open_network(
    model: DetectorModel,
    read: Reader,
    settings: EngineSettings,
    precision: PrecisionChoice = "auto",
    progress: Progress | None = None,
) -> OpenNetwork:
    """Open one of the detector's networks.

    "auto" takes fp16 on a GPU where there is one, unless its engine, when it was built, gave other answers than the
    network does on the CPU; on a CPU int8, where that is at least 1.1 times as fast as fp32 in a few runs of both,
    here and now; fp32 otherwise.

    Args:
        progress: told how far the building of an engine is; the log when left out.

    Raises:
        BadInput: there is no network of that precision, or its file does not fit the manifest.
        EngineDiffers: the engine that was asked for gives other answers than its network does on the CPU.
    """

    def opened(of: Precision) -> OpenNetwork:
        network = _network(model, read, of)
        more = replace(settings.beside(read), check=CpuAgreement(network, model.spec))
        return OpenNetwork(open_engine(network, more, progress), of)

    return _fastest(model, opened, settings) if precision == "auto" else opened(precision)


def _fastest(
    model: DetectorModel, opened_in: Callable[[Precision], OpenNetwork], settings: EngineSettings
) -> OpenNetwork:
    # fp16 first: a runtime that compiles for the GPU would else compile fp32 only to learn that there is a GPU.
    if "fp16" in model.networks and settings.device != "cpu" and (fp16 := _fp16_on_gpu(opened_in)):
        return fp16
    with ExitStack() as opened:
        chosen = fp32 = opened_in("fp32")
        opened.enter_context(fp32.engine)
        if "int8" in model.networks and not _is_on_gpu(fp32.engine):
            int8 = opened_in("int8")
            opened.enter_context(int8.engine)
            chosen = int8 if _int8_is_faster(fp32.engine, int8.engine, model) else fp32
            (int8 if chosen is fp32 else fp32).engine.close()
        opened.pop_all()
    return chosen


def _fp16_on_gpu(opened_in: Callable[[Precision], OpenNetwork]) -> OpenNetwork | None:
    """The network in fp16, where a GPU runs it and gives the right answers."""
    try:
        fp16 = opened_in("fp16")
    except EngineDiffers as error:
        _log.warning("precision: not fp16: %s", error)
        return None
    if _is_on_gpu(fp16.engine):
        return fp16
    fp16.engine.close()
    return None


def _int8_is_faster(fp32: Engine, int8: Engine, model: DetectorModel) -> bool:
    """Whether INT8 is clearly faster; which one is, and by how much, differs from CPU to CPU."""
    size = model.spec.image_size_px
    image = {model.spec.input.name: np.full((1, 3, size, size), model.spec.pad_value / 255, np.float32)}
    fp32_ms, int8_ms = median_times_ms(lambda: fp32.infer(image), lambda: int8.infer(image))
    is_faster = fp32_ms >= SPEEDUP_MIN * int8_ms
    _log.info(
        "precision: %s (fp32 %.1f ms, int8 %.1f ms on this machine; int8 is taken from %.1f times as fast)",
        "int8" if is_faster else "fp32",
        fp32_ms,
        int8_ms,
        SPEEDUP_MIN,
    )
    return is_faster


def median_times_ms(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Medians of a few runs that alternate, so that a slow moment of the machine hits both."""
    times_ms: tuple[list[float], list[float]] = ([], [])
    for run in range(_WARM_UPS + RUNS):
        for call, taken_ms in zip((first, second), times_ms, strict=True):
            began_s = time.perf_counter()
            call()
            if run >= _WARM_UPS:
                taken_ms.append(1000 * (time.perf_counter() - began_s))
    return statistics.median(times_ms[0]), statistics.median(times_ms[1])


def _network(model: DetectorModel, read: Reader, precision: str) -> bytes:
    network = next((found for key, found in model.networks.items() if key == precision), None)
    if network is None:
        raise BadInput(
            where="the detector's precision",
            got=f"'{precision}', which this model does not have",
            wanted=f"one of auto, {', '.join(model.networks)}",
            next_step="ask for one of them, or add it to export.precisions, export, prove and pack again",
        )
    return read_network(network, read)


def _is_on_gpu(engine: Engine) -> bool:
    # The runtime ends with the device: `onnxruntime 1.31.1 on gpu`.
    return not engine.runtime.endswith("on cpu")
