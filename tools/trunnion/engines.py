"""Engines of a bundle, built for this device before a node needs them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler

from trunnion.watchers import watching
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import ExitCode
from trunnion_contract.manifest import NetworkFile
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_edge.exported import read_network


def build_engines(console: Console, path: Path, cache_dir: Path | None, workspace_mib: int) -> ExitCode:
    """Build or find the engine of each network in a bundle, and run it once.

    Raises:
        BadInput: the bundle cannot be used, or TensorRT or a GPU is missing here.
        Broken: building failed.
    """
    bundle = open_bundle(path)
    settings = EngineSettings("tensorrt", "gpu", cache_dir=cache_dir, workspace_mib=workspace_mib)
    with _log_on(console), watching(console) as progress:
        for model in networks(bundle):
            with open_engine(read_network(model, bundle.read), settings, progress) as engine:
                console.print(f"{model.file}: {engine.runtime}", highlight=False)
    return ExitCode.OK


def networks(bundle: Bundle) -> list[NetworkFile]:
    """The networks of a bundle that its nodes run on a GPU by themselves.

    The detector's is the one in FP16, where there is one. A policy runs on the CPU unless its node is told otherwise.
    """
    detector = bundle.model.detector
    return [detector.networks.get("fp16", detector)] if detector else []


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
