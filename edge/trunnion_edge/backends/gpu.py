"""The GPU of this machine, as the system shows it without any library of NVIDIA's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

# Desktop and server drivers make the first, Jetson's the other two.
NODES = ("/dev/nvidiactl", "/dev/nvhost-ctrl-gpu", "/dev/nvgpu")
_DRIVER = Path("/proc/driver/nvidia/version")
_L4T = Path("/etc/nv_tegra_release")


def gpu_node(nodes: Sequence[str] | None = None) -> str:
    """The first device node of a GPU that is there; empty where there is none."""
    return next((node for node in (NODES if nodes is None else nodes) if Path(node).exists()), "")


def installed(package: str) -> bool:
    """Whether a Python package can be found; it is not imported."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the package that holds it
        return False


def driver_version() -> str:
    """The version of NVIDIA's driver, as `570.86.15`; empty where the system names none."""
    return driver_in(_text(_DRIVER))


def l4t_release() -> str:
    """Jetson's release, as `36.4.3`; empty on other machines."""
    return l4t_in(_text(_L4T))


def driver_in(text: str) -> str:
    """The driver's version in the text of /proc/driver/nvidia/version."""
    found = re.search(r"^NVRM version:.*?\b(\d+\.\d+(?:\.\d+)*)\b", text, re.MULTILINE)
    return found[1] if found else ""


def l4t_in(text: str) -> str:
    """The release in the text of /etc/nv_tegra_release."""
    found = re.search(r"R(\d+) \(release\), REVISION: (\d+(?:\.\d+)*)", text)
    return f"{found[1]}.{found[2]}" if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
