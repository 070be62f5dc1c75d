"""What `trunnion up` looks at before it starts anything."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from trunnion.up import CellPlan, _entries, _stop, check_port, newest_bundle, only_cell_of, wait_until_heard
from trunnion_contract.errors import BadInput, Broken

LOCK = Path(__file__).parents[2] / "runs" / ".cell.lock"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_named_with_one_that_is_free(trunnion, small_bundle, listener):
    answer = trunnion("up", "--bundle", small_bundle, "--port", listener)
    assert answer.returncode == 2
    assert f"port {listener}" in answer.stderr
    free = int(re.search(r"--port (\d+) \(make demo PORT=\1\)", answer.stderr)[1])
    check_port("127.0.0.1", free)


def test_a_second_up_is_refused_and_told_who_runs(trunnion, small_bundle, trunnion_holding):
    with trunnion_holding(LOCK) as holder:
        answer = trunnion("up", "--bundle", small_bundle)
    assert answer.returncode == 2
    assert f"process {holder.pid}" in answer.stderr
    assert f"kill -INT {holder.pid}" in answer.stderr


def test_a_cell_of_another_checkout_in_the_same_ros_domain_is_refused(
    trunnion, small_bundle, trunnion_holding, ros_domain, tmp_path
):
    lock = tmp_path / "cache/trunnion" / f"cell-of-domain-{ros_domain}.lock"
    with trunnion_holding(lock) as holder:
        answer = trunnion("up", "--bundle", small_bundle, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert answer.returncode == 2
    assert f"process {holder.pid}" in answer.stderr
    assert f"kill -INT {holder.pid}, or set ROS_DOMAIN_ID to another number" in answer.stderr


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "HOME"])
def test_outside_the_checkout_only_the_users_cache_is_written(monkeypatch, tmp_path, variable):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with only_cell_of({"ROS_DOMAIN_ID": "7"}):
        (lock,) = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    cache = "home" if variable == "XDG_CACHE_HOME" else "home/.cache"
    assert str(lock) == f"{cache}/trunnion/cell-of-domain-7.lock"


def test_a_ros_domain_that_is_no_number_is_refused(trunnion, small_bundle):
    answer = trunnion("up", "--bundle", small_bundle, ROS_DOMAIN_ID="../7")
    assert answer.returncode == 2
    assert answer.stderr.startswith("ROS_DOMAIN_ID")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_cut_the_stopping_short(number):
    class CellBeingStopped:
        whole = False

        def stop(self):
            os.kill(os.getpid(), number)
            self.whole = True

    cell, before = CellBeingStopped(), signal.getsignal(number)
    _stop(cell, Console(quiet=True))
    assert cell.whole
    assert signal.getsignal(number) is before


def test_the_issuer_reaches_the_bridge(small_bundle, tmp_path):
    issuer = {"oidc_issuer": "https://id.example", "oidc_audience": "cell"}
    plan = CellPlan(small_bundle, tmp_path, "0.0.0.0", 8080, **issuer)
    (bridge,) = [entry for entry in _entries(plan) if entry.name == "bridge"]
    assert bridge.arguments[-4:] == ("--oidc-issuer", "https://id.example", "--oidc-audience", "cell")


def test_a_changed_byte_stops_it_before_anything_starts(trunnion, small_bundle):
    data = bytearray(small_bundle.read_bytes())
    data[len(data) // 2] ^= 1
    small_bundle.write_bytes(data)
    answer = trunnion("up", "--bundle", small_bundle)
    assert answer.returncode == 2
    assert answer.stderr.startswith(str(small_bundle))


def test_an_address_that_others_reach_wants_an_issuer(trunnion, small_bundle):
    answer = trunnion("up", "--bundle", small_bundle, "--host", "0.0.0.0")
    assert answer.returncode == 2
    assert answer.stderr.startswith("--host")
    assert "--oidc-issuer" in answer.stderr


def test_a_robot_that_nobody_knows_is_refused(trunnion, small_bundle):
    answer = trunnion("up", "--bundle", small_bundle, "--robot", "imaginary")
    assert answer.returncode == 2
    assert "one of simulated, real" in answer.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "not a host"])
def test_an_address_that_is_not_ours_is_refused(host):
    with pytest.raises(BadInput) as refused:
        check_port(host, 8080)
    assert refused.value.where == "--host"


def test_the_newest_bundle_is_taken(tmp_path):
    for number, name in enumerate(["old", "new"]):
        bundle = tmp_path / name / "pack" / f"{name}.trunnion"
        bundle.parent.mkdir(parents=True)
        bundle.touch()
        os.utime(bundle, (number, number))
    assert newest_bundle(tmp_path).name == "new.trunnion"


@pytest.fixture
def bridge_that_hears():
    """Starts a server whose state names a node as awaited some times, and then as well; gives its address."""
    servers = []

    def serve(times_awaited):
        states = iter(["awaited"] * times_awaited)

        class State(BaseHTTPRequestHandler):
            def do_GET(self):
                state = json.dumps({"nodes": [{"name": "policy", "state": next(states, "ok")}]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(state)))
                self.end_headers()
                self.wfile.write(state)

            def log_message(self, *words):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), State))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}", states

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_cell_is_up_when_its_bridge_has_heard_of_every_node(bridge_that_hears):
    url, states = bridge_that_hears(3)
    wait_until_heard(url)
    assert not list(states)


def test_a_node_that_the_bridge_never_hears_of_is_named(bridge_that_hears):
    url, _ = bridge_that_hears(1000)
    with pytest.raises(Broken) as broken:
        wait_until_heard(url, patience_s=0.3)
    assert "policy" in broken.value.got
    assert url in broken.value.where


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080"),
        ("::", "http://127.0.0.1:8080"),
    ],
)
def test_the_page_has_an_address_that_opens(host, url):
    assert CellPlan(Path("b"), Path("f"), host, 8080).url == url
