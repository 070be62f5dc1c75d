"""The house's own checkers pass: import-linter, ruff and mypy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent


def check(repository: Path, *command: str) -> None:
    result = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=repository, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_dependencies_point_down(repository: Path) -> None:
    check(repository, "lint-imports", "--no-cache")


def test_code_keeps_the_style(repository: Path) -> None:
    check(repository, "ruff", "check", "--no-cache", ".")


def test_code_is_formatted(repository: Path) -> None:
    check(repository, "ruff", "format", "--check", "--no-cache", ".")


def test_contract_edge_and_bridge_are_strictly_typed(repository: Path) -> None:
    check(repository, "mypy")
