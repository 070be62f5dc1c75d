"""What `trunnion up` looks at before it starts anything."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from trunnion.up import CellPlan, check_port, newest_bundle
from trunnion_contract.errors import BadInput

LOCK = Path(__file__).parents[2] / "runs" / ".cell.lock"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_named_with_one_that_is_free(trunnion, small_bundle, listener):
    answer = trunnion("up", "--bundle", small_bundle, "--port", listener)
    assert answer.returncode == 2
    assert f"port {listener}" in answer.stderr
    free = int(answer.stderr.rsplit("--port ", 1)[1])
    check_port("127.0.0.1", free)


def test_a_second_up_is_refused_and_told_who_runs(trunnion, small_bundle, trunnion_holding):
    with trunnion_holding(LOCK) as holder:
        answer = trunnion("up", "--bundle", small_bundle)
    assert answer.returncode == 2
    assert f"process {holder.pid}" in answer.stderr
    assert f"kill -INT {holder.pid}" in answer.stderr


def test_a_changed_byte_stops_it_before_anything_starts(trunnion, small_bundle):
    data = bytearray(small_bundle.read_bytes())
    data[len(data) // 2] ^= 1
    small_bundle.write_bytes(data)
    answer = trunnion("up", "--bundle", small_bundle)
    assert answer.returncode == 2
    assert answer.stderr.startswith(str(small_bundle))


def test_an_address_that_others_reach_wants_a_clear_word(trunnion, small_bundle):
    answer = trunnion("up", "--bundle", small_bundle, "--host", "0.0.0.0")
    assert answer.returncode == 2
    assert answer.stderr.startswith("--host")
    assert "--anyone-on-the-network-may-move-the-robot" in answer.stderr


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
