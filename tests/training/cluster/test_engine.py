"""The engine: started here without a trace, or reached, or a clear word on why not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from trunnion_contract.errors import BadInput
from trunnion_training.cluster.engine import engine

WITHIN = """
import os, sys
from pathlib import Path
from trunnion_contract.workers import worker_pool
folders = lambda: list(Path("/tmp").glob(f"trunnion-ray-{os.getpid()}-*"))
with worker_pool(1) as pool:
    print(pool.submit(os.getppid).result() != os.getpid(), len(folders()))
    if sys.argv[1] == "stopped":
        os.kill(os.getpid(), 2)
print(len(folders()), (Path.home() / ".ray").exists())
"""


def of_its_own(home: Path, how: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN"}
    environment |= {"HOME": str(home), "RAY_ADDRESS": "local"}
    return subprocess.run(
        [sys.executable, "-c", WITHIN, how], env=environment, capture_output=True, text=True, check=False
    )


def test_an_engine_of_our_own_leaves_no_process_no_folder_and_no_token(tmp_path: Path) -> None:
    result = of_its_own(tmp_path, "to its end")
    assert result.stdout.split() == ["True", "1", "0", "False"], result.stderr
    assert processes_with(str(tmp_path)) == []


def test_an_engine_that_is_stopped_by_ctrl_c_leaves_nothing_either(tmp_path: Path) -> None:
    result = of_its_own(tmp_path, "stopped")
    assert result.returncode != 0
    assert result.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert processes_with(str(tmp_path)) == []


def processes_with(home: str) -> list[str]:
    """Command lines of processes whose home that is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={home}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_a_cluster_that_does_not_answer_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        with (
            pytest.raises(BadInput, match=rf"RAY_ADDRESS={address}: got nothing that answers there .*unset"),
            engine(),
        ):
            pass


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port"])
def test_an_address_that_is_none_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(BadInput, match=r"got no HOST:PORT, wanted HOST:PORT of a Ray head"), engine():
        pass
