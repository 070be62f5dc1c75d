from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
TRUNNION = Path(sys.executable).with_name("trunnion")


@pytest.fixture(scope="session")
def small_flow() -> ModuleType:
    spec = importlib.util.spec_from_file_location("small_flow", HERE / "small_flow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def trunnion(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The installed command, run in an empty folder."""

    def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COLUMNS": "160", **variables}
        command = [str(TRUNNION), *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture
def trunnion_holding() -> Callable[[Path], AbstractContextManager[subprocess.Popen[str]]]:
    """Another process that holds a lock while the block runs."""
    program = (
        "import sys, time; from pathlib import Path; from trunnion.exclusive import only_one\n"
        "with only_one(Path(sys.argv[1]), 'at it'): print('held', flush=True); time.sleep(60)"
    )

    @contextmanager
    def hold(lock: Path) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, "-c", program, lock], stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
            holder.kill()

    return hold
