"""The load script runs, and a bridge under it answers everything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_dashboards_erp_and_cameras_at_once_are_all_answered(bridge, repository, tmp_path):
    script = repository / "tests" / "load" / "locustfile.py"
    command = ["--headless", *("-u", "8", "-r", "8", "-t", "8s"), "--host", bridge.url, "--json"]
    ran = subprocess.run(
        [Path(sys.executable).with_name("locust"), "-f", script, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    asked = {row["name"] for row in json.loads(ran.stdout)}
    assert {"/v1/state", "/v1/orders/{id}", "/v1/infer", "cancel"} <= asked
