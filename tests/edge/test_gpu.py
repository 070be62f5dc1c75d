"""What the system says of the GPU, in the words of real machines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_edge.backends.gpu import driver_in, gpu_node, installed, l4t_in

SERVER = """NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 23 03:03:44 UTC 2025
GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)
"""
OPEN_SERVER = """NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22)
GCC version:  gcc version 13.3.0
"""
ORIN = """NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build  (buildbrain@mobile)
"""
JETPACK_6 = (
    "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8\n"
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (SERVER, "570.86.15"),
        (OPEN_SERVER, "580.65.06"),
        (ORIN, "540.4.0"),
        ("", ""),
        ("NVRM version: odd", ""),
    ],
)
def test_the_drivers_version_is_read(text: str, version: str) -> None:
    assert driver_in(text) == version


@pytest.mark.parametrize(("text", "release"), [(JETPACK_6, "36.4.3"), ("", ""), ("# R36 (release)", "")])
def test_jetsons_release_is_read(text: str, release: str) -> None:
    assert l4t_in(text) == release


@given(st.text())
def test_no_text_stops_a_robot(text: str) -> None:
    assert isinstance(driver_in(text) + l4t_in(text), str)


def test_the_first_node_that_is_there_is_named(tmp_path: Path) -> None:
    there = tmp_path / "nvgpu"
    there.touch()
    assert gpu_node([str(tmp_path / "absent"), str(there)]) == str(there)
    assert gpu_node([str(tmp_path / "absent")]) == ""


@pytest.mark.parametrize(
    ("package", "is_there"),
    [("json", True), ("json.decoder", True), ("absent", False), ("absent.part", False)],
)
def test_a_package_is_looked_for_and_not_loaded(package: str, is_there: bool) -> None:
    assert installed(package) == is_there
