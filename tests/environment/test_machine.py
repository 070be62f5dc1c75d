"""What the machine lacks is named together with what brings it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trunnion_setup import machine
from trunnion_setup.machine import BROWSER, Fact, Tool, missing, needed, shared_memory_fact, writable_fact


def test_any_of_the_programs_will_do() -> None:
    fact = Tool("C compiler", ("gcc", "clang"), "gcc").look({"clang": "/usr/bin/clang"}.get)
    assert fact == Fact("C compiler", True, "/usr/bin/clang")


def test_a_missing_program_comes_with_its_package() -> None:
    fact = BROWSER.look({}.get)
    assert not fact.ok
    assert fact.mend.endswith("apt-get install -y chromium")


def test_this_machine_has_what_set_up_needs(repository: Path) -> None:
    assert missing(needed(repository)) == []


def test_a_folder_that_is_not_writable_is_named() -> None:
    fact = writable_fact(Path("/proc"))
    assert not fact.ok
    assert "/proc" in fact.mend


def test_a_container_with_little_shared_memory_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "SHARED_MEMORY_WANTED_MIB", 2**40)
    fact = shared_memory_fact(tmp_path)
    assert not fact.ok
    assert "--shm-size" in fact.mend


def test_a_machine_without_shared_memory_is_named(tmp_path: Path) -> None:
    assert not shared_memory_fact(tmp_path / "missing").ok


def test_packages_are_those_of_the_python_that_runs() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert any(f"python{version}-dev" in fact.mend for fact in machine.python_facts())
