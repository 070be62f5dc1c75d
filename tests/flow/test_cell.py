"""`trunnion up`, `order` and `status` on the real nodes, through real ROS 2 and a real socket."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

NODES = ("simulated_robot", "detector", "policy", "sorter", "bridge")


def children_of(process_id: int) -> dict[str, int]:
    """Node name to process id, for the nodes that a `trunnion up` started."""
    listed = subprocess.check_output(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process_id)], text=True)
    found = {}
    for line in listed.splitlines():
        number, arguments = line.split(None, 1)
        found |= {name: int(number) for name in NODES if f"__node:={name} " in f"{arguments} "}
    return found


def is_alive(process_id: int) -> bool:
    return Path(f"/proc/{process_id}").exists()


@pytest.fixture
def up(finished, start, free_port):
    """A cell that is up, and its address."""
    command = start("up", "--bundle", finished.bundle, "--port", free_port)
    command.wait_for("the cell is up")
    return command, f"http://127.0.0.1:{free_port}"


def test_a_cell_from_start_to_ctrl_c(up, trunnion, finished):
    command, url = up
    nodes = children_of(command.process.pid)
    assert nodes.keys() == set(NODES)
    assert trunnion("status", "--url", url).code == 0
    for words, got in (
        (("cog=1",), "'cog'"),
        (("gear=-1",), "-1"),
        (("gear=10000",), "10000 parts"),
        (("gear=0",), "0"),
        (("gear=1", "--bin", "Z"), "'Z'"),
    ):
        answer = trunnion("order", "--url", url, "--bin", "B", *words)
        assert answer.code == 2, answer
        assert answer.said["got"].startswith(got)
    second = trunnion("up", "--bundle", finished.bundle)
    assert second.code == 2
    assert f"process {command.process.pid}" in second.said["got"]
    order = trunnion("order", "--url", url, "--bin", "B", "gear=1", "--wait")
    assert (order.code == 0) == ("order succeeded" in order.out), order
    assert order.code in (0, 1)
    assert command.interrupt().code == 0
    assert not [name for name, number in nodes.items() if is_alive(number)]


def test_a_node_that_dies_is_named_and_the_order_fails(up, start, trunnion):
    command, url = up
    order = start("order", "--url", url, "--bin", "A", "gear=1", "--wait")
    order.wait_for("order ")
    nodes = children_of(command.process.pid)
    os.kill(nodes["detector"], signal.SIGKILL)
    command.wait_for("detector was killed by signal 9")
    ended = order.end()
    assert ended.code == 1, ended
    assert "order failed" in ended.out
    assert trunnion("status", "--url", url).code == 1
    assert command.interrupt().code == 3
    assert not [name for name, number in nodes.items() if is_alive(number)]


@pytest.mark.parametrize(
    ("command_of", "works"),
    [
        (lambda run: ("up", "--bundle", run.bundle), "starting the cell: 0 of"),
        (lambda run: ("demo", "--usecase", run.usecase, "--runs", run.runs), " 0 of 3  "),
    ],
    ids=["up, while the cell starts", "demo, while an order runs"],
)
def test_ctrl_c_leaves_no_process(copied, start, free_port, command_of, works):
    command = start(*command_of(copied), "--port", free_port)
    command.wait_for(works)
    nodes = children_of(command.process.pid)
    assert nodes
    answer = command.interrupt()
    assert answer.code == 130, answer
    assert "stopping the cell" in answer.out
    assert "order succeeded" not in answer.out
    assert "Traceback" not in answer.err
    assert not [name for name, number in nodes.items() if is_alive(number)]


def test_a_cell_does_not_outlive_its_command(up):
    command, _ = up
    nodes = children_of(command.process.pid)
    assert nodes.keys() == set(NODES)
    command.process.kill()
    command.process.wait()
    for _ in range(200):
        if not any(map(is_alive, nodes.values())):
            return
        time.sleep(0.05)
    pytest.fail(f"left behind: {nodes}")
