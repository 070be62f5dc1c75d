"""The ERP example, run as the documentation says."""

from __future__ import annotations

import re
import shlex
import sqlite3
import subprocess
import sys

from tests.bridge.running import a_free_port

EXAMPLES = "ros2_ws/src/trunnion_bridge/examples"


def command(repository) -> list[str]:
    """The command in the example's README."""
    said = re.search(
        r"^python erp\.py (.+)$", (repository / EXAMPLES / "README.md").read_text(), re.MULTILINE
    )
    return [sys.executable, "erp.py", *shlex.split(said[1])]


def test_an_erp_orders_once_and_books_what_the_cell_did(repository, bridge, tmp_path):
    here = ["--bridge", bridge.url, "--port", str(a_free_port()), "--books", str(tmp_path / "erp.db")]
    runs = [
        subprocess.run(
            [*command(repository), *here],
            cwd=repository / EXAMPLES,
            capture_output=True,
            text=True,
            timeout=60,
        )
        for _ in range(2)
    ]

    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    assert runs[0].stdout == runs[1].stdout
    assert "order 4711 succeeded: 3 parts booked" in runs[0].stdout
    books = sqlite3.connect(tmp_path / "erp.db")
    assert books.execute("SELECT state, sorted FROM bookings").fetchall() == [("succeeded", 3)]
    books.close()
    assert (tmp_path / "erp.db").stat().st_mode & 0o077 == 0
    for webhook in bridge.http.get("/v1/webhooks").json():
        bridge.http.delete(f"/v1/webhooks/{webhook['id']}")


def test_what_is_wrong_is_said_without_a_traceback(repository, tmp_path):
    nobody = f"http://127.0.0.1:{a_free_port()}"
    for line, code, said in (
        ("gear", 2, "invalid order_line value: 'gear'"),
        ("gear=2", 3, "start the bridge"),
    ):
        asked = ["--order", "1", "--line", line, "--bin", "B", "--bridge", nobody]
        ran = subprocess.run(
            [sys.executable, "erp.py", *asked, "--books", str(tmp_path / "erp.db")],
            cwd=repository / EXAMPLES,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (ran.returncode, "Traceback" in ran.stderr) == (code, False), ran.stderr
        assert said in ran.stderr
