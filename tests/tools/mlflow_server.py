"""A real MLflow server that tests start, stop and start again on the same port, with what it knew."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

PATIENCE_S = 120.0


@contextmanager
def mlflow_server(folder: Path, port: int) -> Iterator[str]:
    """Its address; database and artifacts are in `folder`."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            command, env={**os.environ, **quiet}, stdout=log, stderr=log, start_new_session=True
        ) as server,
    ):
        try:
            _wait_until_up(f"http://127.0.0.1:{port}", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, 9)


def _wait_until_up(uri: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        try:
            urlopen(f"{uri}/health", timeout=5).close()
            return
        except (URLError, OSError):
            time.sleep(0.1)
