"""The TensorRT backend on the real bindings of three versions: all of it that needs no library behind them."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("tensorrt_process.py")
STUBS = Path(__file__).parents[2] / "tools" / "tensorrt_stubs.py"


def claims() -> list[str]:
    """The names in the program's table, without running it."""
    table = next(
        node
        for node in ast.parse(PROGRAM.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CLAIMS"
    )
    assert isinstance(table.value, ast.Tuple)
    return [ast.unparse(name) for name in table.value.elts]


@cache
def folders() -> dict[str, Path]:
    done = subprocess.run([sys.executable, STUBS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {Path(line).name.split("-")[1]: Path(line) for line in done.stdout.splitlines()}


@cache
def outcomes(version: str) -> dict[str, str]:
    environment = {**os.environ, "PYTHONPATH": str(folders()[version] / "extension")}
    done = subprocess.run(
        [sys.executable, PROGRAM, version], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, str] = json.loads(done.stdout)
    return result


def test_every_claim_of_the_program_is_in_its_table() -> None:
    """A claim takes nothing and gives nothing; what it stands on takes or gives something."""
    functions = [node for node in ast.parse(PROGRAM.read_text()).body if isinstance(node, ast.FunctionDef)]
    written = {f.name for f in functions if not f.args.args and ast.unparse(f.returns or f) == "None"}
    assert written == set(claims())


@pytest.mark.parametrize("version", ["10.3.0", "10.13.3.9", "11.4.0.106"])
@pytest.mark.parametrize("claim", claims())
def test_claim(claim: str, version: str) -> None:
    assert outcomes(version)[claim] == ""
