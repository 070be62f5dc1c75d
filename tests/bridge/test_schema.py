"""Whatever is asked, the bridge answers as its description says: Schemathesis over the whole of it, for a while.

`TRUNNION_FUZZ_S=1800 python -m pytest tests/bridge/test_schema.py` looks for longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bridge.running import a_free_port, running_bridge, running_cell

SECONDS = int(os.environ.get("TRUNNION_FUZZ_S", "20"))
STREAMS = ("/v1/events", "/v1/camera.mjpeg")  # they have no end
# That a part is unknown, or a key ends too late, is more than a schema can say.
EXCEPT = "positive_data_acceptance"


@pytest.mark.timeout(SECONDS + 240)
def test_no_request_breaks_the_bridge_or_what_it_says_of_itself(lonely_environment, bundle, tmp_path):
    settings = ("--rate-per-s", "1e6")
    with (
        running_cell(lonely_environment),
        running_bridge(lonely_environment, bundle, tmp_path / "data", a_free_port(), *settings) as bridge,
    ):
        bridge.until_ready()
        found = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                *("--config-file", Path(__file__).with_name("schemathesis.toml")),
                *("run", f"{bridge.url}/openapi.json", "--header", f"Authorization: Bearer {bridge.token}"),
                *(
                    "--max-time",
                    str(SECONDS),
                    "--request-timeout",
                    "20",
                    "--continue-on-failure",
                    "--no-color",
                ),
                # It would end the session of all requests after it.
                *("--exclude-operation-id", "close_session"),
                *("--phases", "examples,coverage,fuzzing", "--exclude-checks", EXCEPT),
                *(word for path in STREAMS for word in ("--exclude-path", path)),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        assert "Tested: " in found.stdout
        assert bridge.http.get("/v1/state").status_code == 200, "the callers were known to the end"
    assert "Traceback" not in (tmp_path / "data" / "bridge.log").read_text()
