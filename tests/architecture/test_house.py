"""The house is in order: every room says what it is for, and nothing stands in it that should not."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from trunnion_edge.backends import BACKENDS

ROOMS = ("docker", "edge", "ros2_ws", "sim", "tools", "training")
ALSO_AT_THE_TOP = {"tests", "requirements"}
LARGEST_MIB = 10
REGISTRIES = re.compile(
    r"https?://[^\s\"')]*(?:pypi|pythonhosted|registry\.npmjs|download\.pytorch|conda\.anaconda)|--(?:extra-)?index-url",
    re.IGNORECASE,
)


def tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout
    return [repository / name for name in listed.split("\0") if name and (repository / name).is_file()]


def text(file: Path) -> str:
    try:
        return file.read_text()
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_what_it_is_for(repository: Path, room: str) -> None:
    assert (repository / room / "README.md").stat().st_size > 200


def test_nothing_else_stands_at_the_top(repository: Path) -> None:
    folders = {
        file.relative_to(repository).parts[0] for file in tracked(repository) if file.parent != repository
    }
    assert {name for name in folders if not name.startswith(".")} <= {*ROOMS, *ALSO_AT_THE_TOP}


def test_the_lock_names_versions_only(repository: Path) -> None:
    lines = (repository / "requirements" / "lock.txt").read_text().splitlines()
    pinned = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*==[^\s;]+(?: ; .+)?")
    assert len(lines) > 100
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_no_file_names_a_package_registry(repository: Path) -> None:
    here = Path(__file__)
    offenders = [file for file in tracked(repository) if file != here and REGISTRIES.search(text(file))]
    assert offenders == []


def test_no_file_is_heavier_than_it_may_be(repository: Path) -> None:
    assert [file for file in tracked(repository) if file.stat().st_size > LARGEST_MIB * 2**20] == []


def test_nothing_that_a_command_makes_is_committed(repository: Path) -> None:
    made = {"__pycache__", "runs", ".venv", "node_modules"}
    offenders = [file for file in tracked(repository) if made & set(file.relative_to(repository).parts)]
    assert offenders == []


def test_colcon_finds_ros_packages_only_in_the_workspace(repository: Path) -> None:
    """A plain `colcon build` at the top must not take the rest of the house for packages."""
    colcon = ["colcon", "--log-base", "/dev/null", "list", "--paths-only"]
    listed = subprocess.run(colcon, cwd=repository, capture_output=True, text=True, check=True).stdout.split()
    assert listed
    assert [path for path in listed if not path.startswith("ros2_ws/src/")] == []


def test_documents_name_only_tests_that_there_are(repository: Path) -> None:
    named = [
        (document.name, file, test)
        for document in tracked(repository)
        if document.suffix == ".md"
        for file, test in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text(document))
    ]
    assert len(named) > 15
    assert [
        (document, file, test)
        for document, file, test in named
        if not (repository / file).is_file()
        or (test and f"def {test}(" not in (repository / file).read_text())
    ] == []


def test_links_between_documents_lead_somewhere(repository: Path) -> None:
    documents = [file for file in tracked(repository) if file.suffix == ".md"]
    links = [
        (document, link)
        for document in documents
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(document))
        if "://" not in link
    ]
    assert len(links) > 10
    assert [link for document, link in links if not (document.parent / link).exists()] == []


def test_what_new_engines_are_compared_with_comes_with_what_builds_them(repository: Path) -> None:
    """The extra and the advice name ONNX Runtime; an engine that was compared runs without it."""
    project = tomllib.loads((repository / "edge" / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(extras["onnxruntime"]) <= set(extras["tensorrt"])
    tensorrt = BACKENDS["tensorrt"]
    assert "onnxruntime (pip)" in tensorrt.install
    assert "onnxruntime" not in tensorrt.packages
