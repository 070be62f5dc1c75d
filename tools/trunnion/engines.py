"""Engines of a detector: built for this device before a node needs them, and attached to what is packed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.logging import RichHandler

from trunnion.watchers import watching
from trunnion_contract.attached_engines import ENGINES, AttachedEngines, plan_file
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput, ExitCode
from trunnion_contract.files import digest_json, write_json
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase
from trunnion_edge.backends import CannotRunHere, EngineSettings, engine_key
from trunnion_edge.engine_cache import EngineCache, default_cache
from trunnion_edge.exported import load_export, read_network
from trunnion_edge.precision import PrecisionChoice, open_network

_SETTINGS = EngineSettings("tensorrt", "gpu")


def build_engines(
    console: Console,
    path: Path,
    cache_dir: Path | None,
    workspace_mib: int,
    precision: PrecisionChoice = "auto",
) -> ExitCode:
    """Build or find the engine of the detector in a bundle, and run it once.

    A policy runs on the CPU unless its node is told otherwise, and so has no engine.

    Raises:
        BadInput: the bundle cannot be used or has no such precision, or TensorRT or a GPU is missing here.
        Broken: building failed, or the engine does not answer as the network does on the CPU.
    """
    bundle = open_bundle(path)
    detector = bundle.model.detector
    if detector is None:
        console.print(f"{path.name}: no detector, and so nothing that a GPU runs by itself", highlight=False)
        return ExitCode.OK
    settings = EngineSettings("tensorrt", "gpu", cache_dir=cache_dir, workspace_mib=workspace_mib)
    with _log_on(console), watching(console) as progress:
        opened = open_network(detector, bundle.read, settings, precision, progress)
        with opened.engine as engine:
            file = detector.networks[opened.precision].file
            console.print(f"{file}: {engine.runtime}", highlight=False)
    return ExitCode.OK


def attach_engines(export_dir: Path, out_dir: Path, progress: Progress) -> None:
    """Build or find the engine of an exported detector on this machine, and write what a bundle takes of it.

    Raises:
        CannotRunHere: TensorRT or a GPU is missing here.
        Broken: building failed, or the engine does not answer as the network does on the CPU.
    """
    manifest, read = load_export(export_dir)
    assert manifest.detector is not None
    opened = open_network(manifest.detector, read, _SETTINGS, progress=progress)
    opened.engine.close()
    network = read_network(manifest.detector.networks[opened.precision], read)
    cache: EngineCache[Any] = EngineCache(default_cache())
    record, plan = cache.kept(engine_key(network, _SETTINGS))
    (out_dir / plan_file(record)).write_bytes(plan)
    write_json(out_dir / ENGINES, AttachedEngines(plans=(record,)).model_dump(mode="json", by_alias=True))


def device_digest() -> str:
    """What stands for this machine's GPU, driver, CUDA, TensorRT and the settings of its builder.

    Raises:
        CannotRunHere: TensorRT or a GPU is missing here.
    """
    return digest_json(engine_key(b"", _SETTINGS).model_dump(mode="json"))


def require_engine(usecase: UseCase) -> None:
    """See, before a stage has worked for minutes, that an engine can be built here.

    Raises:
        BadInput: says what is missing.
    """
    if usecase.models.detector is None:
        raise _refused("a use case without a detector", "a network that a GPU runs by itself")
    try:
        device_digest()
    except CannotRunHere as error:
        raise _refused(error.got, "TensorRT and a GPU, which build the engine") from error


def _refused(got: str, wanted: str) -> BadInput:
    return BadInput(
        where="--engine",
        got=got,
        wanted=wanted,
        next_step="leave --engine out, and each device builds its own; or run it where both are "
        "(edge/trunnion_edge/backends/README.md says what to install)",
    )


@contextmanager
def _log_on(console: Console) -> Iterator[None]:
    """What the edge logs (why it builds, for whom it waits) is what a person who waits wants to read."""
    log, handler = (
        logging.getLogger("trunnion_edge"),
        RichHandler(console=console, show_time=False, show_path=False),
    )
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
