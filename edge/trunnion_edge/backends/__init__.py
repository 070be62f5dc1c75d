"""Engines: one file for each runtime, behind one protocol; a runtime is imported when it is first opened."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from trunnion_contract.engine_key import EngineKey
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Progress
from trunnion_edge.backends.build_progress import LoggedProgress
from trunnion_edge.backends.engine import (
    DEVICES,
    Array,
    CannotRunHere,
    Device,
    Engine,
    EngineSettings,
    EngineSpecs,
)
from trunnion_edge.backends.gpu import gpu_node, installed

__all__ = [
    "BACKENDS",
    "DEVICES",
    "ORDER",
    "Array",
    "Backend",
    "CannotRunHere",
    "Device",
    "Engine",
    "EngineSettings",
    "EngineSpecs",
    "Place",
    "engine_key",
    "lacking",
    "open_engine",
]

_log = logging.getLogger(__name__)

Opener = Callable[[Path | bytes, EngineSettings, Progress], Engine]


class Backend(NamedTuple):
    """The Python packages that a runtime needs, and the module here whose `open_engine` uses them."""

    packages: tuple[str, ...]
    module: str
    install: str


class Place(NamedTuple):
    """A runtime, and the device that it runs on."""

    backend: str
    device: Device

    def __str__(self) -> str:
        return f"{self.backend} on {self.device}"


BACKENDS: Mapping[str, Backend] = {
    "tensorrt": Backend(
        ("tensorrt", "cuda.bindings"),
        "trunnion_edge.backends.tensorrt",
        "TensorRT (part of JetPack; elsewhere: pip install tensorrt), cuda-bindings of the driver's CUDA (pip), and "
        "onnxruntime (pip), with which new engines are compared",
    ),
    "onnxruntime": Backend(
        ("onnxruntime",),
        "trunnion_edge.backends.onnxruntime",
        "pip install onnxruntime-gpu, or onnxruntime for the CPU alone",
    ),
}
# What "auto" tries, the best first.
ORDER = (Place("tensorrt", "gpu"), Place("onnxruntime", "gpu"), Place("onnxruntime", "cpu"))


def open_engine(
    model: Path | bytes, settings: EngineSettings = EngineSettings(), progress: Progress | None = None
) -> Engine:
    """Open an ONNX network, and log which runtime runs it, where, and why.

    Args:
        model: an ONNX file or its bytes.
        settings: which runtime, where, and what it may use.
        progress: told how far the building of an engine is; the log when left out.

    Raises:
        BadInput: the backend is unknown or not installed, the GPU asked for is not there, or `model` is no network.
        Broken: building an engine failed, or the GPU did.
    """
    passed_over: list[str] = []
    places = _places(settings)
    for place in places:
        try:
            engine = _open(place, model, settings, progress or LoggedProgress())
        except CannotRunHere as error:
            if len(places) == 1:
                raise
            passed_over.append(f"{place}: {error.got}")
        else:
            _tell(engine, place, settings, passed_over)
            return engine
    raise _nowhere(settings, passed_over)


def engine_key(network: bytes, settings: EngineSettings) -> EngineKey:
    """What TensorRT's engine of a network depends on, on this machine; nothing is built.

    Raises:
        CannotRunHere: names what this machine lacks to build one.
    """
    key: EngineKey = _module(Place("tensorrt", "gpu")).key_here(network, settings)
    return key


def lacking(place: Place) -> list[str]:
    """What this machine lacks for a runtime on a device, as far as can be seen without loading the runtime."""
    node = [] if place.device != "gpu" or gpu_node() else ["no GPU on this machine"]
    packages = BACKENDS[place.backend].packages
    return node + [f"no Python package {package}" for package in packages if not installed(package)]


def _places(settings: EngineSettings) -> list[Place]:
    """Where `settings` let the network run, the best first."""
    if settings.backend not in ("auto", *BACKENDS):
        raise BadInput(
            where="the engine's backend",
            got=f"'{settings.backend}'",
            wanted=f"one of auto, {', '.join(BACKENDS)}",
            next_step="correct the name",
        )
    of_backend = [place for place in ORDER if settings.backend in ("auto", place.backend)]
    places = [place for place in of_backend if settings.device in ("auto", place.device)]
    if not places:
        raise BadInput(
            where="the engine's device",
            got=f"{settings.backend} on {settings.device}",
            wanted=f"one of {', '.join(map(str, ORDER))}",
            next_step="ask for another device or another backend",
        )
    return places


def _open(place: Place, model: Path | bytes, settings: EngineSettings, progress: Progress) -> Engine:
    opener: Opener = _module(place).open_engine
    return opener(model, replace(settings, backend=place.backend, device=place.device), progress)


def _module(place: Place) -> ModuleType:
    """The module of a runtime, its libraries loaded."""
    if missing := lacking(place):
        raise _cannot(place, ", ".join(missing))
    try:
        return importlib.import_module(BACKENDS[place.backend].module)
    except (ImportError, OSError) as error:  # its libraries are missing, or of another version
        raise _cannot(place, f"a {place.backend} that does not load ({error})") from error


def _tell(engine: Engine, place: Place, settings: EngineSettings, passed_over: list[str]) -> None:
    asked = f"backend {settings.backend}, device {settings.device}"
    reason = f"; not {'; not '.join(passed_over)}" if passed_over else ""
    _log.info("engine: %s (asked: %s%s)", engine.runtime, asked, reason)
    if settings.device == "auto" and place.device == "cpu" and (node := gpu_node()):
        _log.warning("a GPU is there (%s), but the CPU runs the model: %s", node, "; ".join(passed_over))


def _nowhere(settings: EngineSettings, passed_over: list[str]) -> CannotRunHere:
    device = "a GPU, as asked" if settings.device == "gpu" else "a runtime that works here"
    return CannotRunHere(
        where="the engine's device" if settings.device == "gpu" else "the engine",
        got="; ".join(passed_over),
        wanted=device,
        next_step="install NVIDIA's driver and one of these runtimes, or ask for another device",
    )


def _cannot(place: Place, got: str) -> CannotRunHere:
    driver = "NVIDIA's driver where there is a GPU, " if place.device == "gpu" else ""
    return CannotRunHere(
        where=f"the engine, {place}",
        got=got,
        wanted="a GPU, as asked" if place.device == "gpu" else f"{place.backend} on this machine",
        next_step=f"install {driver}{BACKENDS[place.backend].install}, or ask for another device or backend",
    )
