"""What this machine has and lacks, and the command that mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from trunnion.checkout import ROOT
from trunnion.environment import RECORD
from trunnion.up import check_port
from trunnion_contract.errors import BadInput, ExitCode
from trunnion_edge.backends import BACKENDS, Place, lacking
from trunnion_edge.backends.gpu import gpu_node

_DISK_WANTED_GIB = 5
_PORT = 8080
TENSORRT = Place("tensorrt", "gpu")
sys.path.append(str(ROOT / "tools" / "setup"))


def print_facts(console: Console) -> ExitCode:
    """A line a fact; exit code 3 when something that is needed is missing."""
    table = Table("", "what", "found", "mend")
    lacking = 0
    for fact, needed in facts():
        mark = "[green]ok[/]" if fact.ok else ("[bold red]MISSING[/]" if needed else "[yellow]absent[/]")
        table.add_row(mark, fact.name, fact.found, "" if fact.ok else fact.mend)
        lacking += needed and not fact.ok
    console.print(table)
    console.print(
        f"[bold red]{lacking} needed and missing[/]" if lacking else "everything that is needed is here"
    )
    return ExitCode.BROKEN if lacking else ExitCode.OK


def facts() -> Iterator[tuple[Any, bool]]:
    """Each fact, and whether Trunnion needs it; the others speed things up or serve the tests."""
    from trunnion_setup.machine import BROWSER, needed, shared_memory_fact

    yield from ((fact, True) for fact in needed(ROOT))
    yield from ((fact, True) for fact in (_workspace(), _disk(), shared_memory_fact()))
    yield from ((fact, False) for fact in (_port(), _gpu(), _tensorrt(), BROWSER.look()))


def _fact(name: str, ok: bool, found: str, mend: str = "") -> Any:
    from trunnion_setup.machine import Fact

    return Fact(name, ok, found, mend)


def _workspace() -> Any:
    built = (ROOT / RECORD).is_file()
    installed = [name for name in ("jazzy", "humble") if Path("/opt/ros", name).is_dir()]
    kind = (
        f"/opt/ros/{installed[0]}"
        if installed and os.environ.get("TRUNNION_ROS") != "wheels"
        else "wheels of Jazzy"
    )
    found = f"{kind}, workspace built" if built else f"{kind}, workspace not built"
    return _fact("ROS 2", built, found, f"make -C {ROOT} setup")


def _disk() -> Any:
    free_gib = shutil.disk_usage(ROOT).free / 2**30
    mend = f"free {_DISK_WANTED_GIB} GiB on the disk of {ROOT}"
    return _fact("disk", free_gib >= _DISK_WANTED_GIB, f"{free_gib:.0f} GiB free", mend)


def _port() -> Any:
    try:
        check_port("127.0.0.1", _PORT)
    except BadInput as error:
        return _fact("port of the bridge", False, error.got, error.next_step)
    return _fact("port of the bridge", True, f"{_PORT} is free")


def _gpu() -> Any:
    program = shutil.which("nvidia-smi")
    query = ["--query-gpu=name,driver_version", "--format=csv,noheader"]
    answer = subprocess.run([program, *query], capture_output=True, text=True) if program else None
    if answer and answer.returncode == 0 and answer.stdout.strip():
        return _fact("GPU", True, answer.stdout.strip().splitlines()[0])
    if node := gpu_node():
        return _fact("GPU", True, f"there ({node}); nvidia-smi does not say which")
    return _fact(
        "GPU", False, "none; everything runs on the processor", "install NVIDIA's driver where there is a GPU"
    )


def _tensorrt() -> Any:
    missing = [fact for fact in lacking(TENSORRT) if "Python package" in fact]
    if not missing:
        return _fact("TensorRT", True, f"{_version('tensorrt')}, cuda-bindings {_version('cuda-bindings')}")
    found = f"{', '.join(missing)}; ONNX Runtime runs the models"
    return _fact("TensorRT", False, found, BACKENDS[TENSORRT.backend].install)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # JetPack's TensorRT can come without a record
        return "of unknown version"
