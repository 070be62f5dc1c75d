"""Engines: one file for each runtime, behind one protocol; a runtime is imported when it is first opened."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from trunnion_contract.errors import BadInput
from trunnion_edge.backends.engine import DEVICES, Array, Device, Engine, EngineSettings, EngineSpecs

__all__ = [
    "BACKENDS",
    "DEVICES",
    "Array",
    "Backend",
    "Device",
    "Engine",
    "EngineSettings",
    "EngineSpecs",
    "open_engine",
]

_log = logging.getLogger(__name__)

Opener = Callable[[Path | bytes, EngineSettings], Engine]


class Backend(NamedTuple):
    """The Python package that a runtime needs, and the module here whose `open_engine` uses it."""

    package: str
    module: str


# In the order in which "auto" takes them.
BACKENDS: Mapping[str, Backend] = {
    "onnxruntime": Backend("onnxruntime", "trunnion_edge.backends.onnxruntime"),
}


def open_engine(model: Path | bytes, settings: EngineSettings = EngineSettings()) -> Engine:
    """Open an ONNX network, and log which runtime runs it, where, and why.

    Args:
        model: an ONNX file or its bytes.
        settings: which runtime, where, and what it may use.

    Raises:
        BadInput: the backend is unknown or not installed, the GPU asked for is not there, or `model` is no network.
    """
    chosen = settings.backend == "auto"
    name = _installed() if chosen else _known(settings.backend)
    opener: Opener = importlib.import_module(BACKENDS[name].module).open_engine
    engine = opener(model, settings)
    reason = f"the first of {', '.join(BACKENDS)} that is installed" if chosen else "as asked"
    _log.info("engine: %s (backend %s: %s; device asked: %s)", engine.runtime, name, reason, settings.device)
    return engine


def _installed() -> str:
    for name, backend in BACKENDS.items():
        if importlib.util.find_spec(backend.package):
            return name
    raise BadInput(
        where="the engine",
        got="none of the runtimes installed",
        wanted=f"one of {', '.join(BACKENDS)}",
        next_step="install one, for example: pip install onnxruntime",
    )


def _known(backend: str) -> str:
    if backend not in BACKENDS:
        raise BadInput(
            where="the engine's backend",
            got=f"'{backend}'",
            wanted=f"one of auto, {', '.join(BACKENDS)}",
            next_step="correct the name",
        )
    if not importlib.util.find_spec(BACKENDS[backend].package):
        raise BadInput(
            where="the engine's backend",
            got=f"'{backend}', whose package is not installed",
            wanted=f"the Python package {BACKENDS[backend].package}",
            next_step=f"pip install {BACKENDS[backend].package}",
        )
    return backend
