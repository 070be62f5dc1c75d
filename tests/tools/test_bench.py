"""Figures are fair: what is compared takes turns, and a row says against what, of how many, and how far apart."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from tests.ros.tiny_bundle import write_bundle

from trunnion.bench import edge, node
from trunnion.bench.edge import _int8, int8_speedup
from trunnion.bench.measure import median_row, percentile_rows, ratio_row, spread, taking_turns
from trunnion.bench.processes import cpu_s, rss_mib
from trunnion.bench.reference import noise_image, reference_network, reference_spec
from trunnion_contract.bundle import open_bundle
from trunnion_edge.backends import CannotRunHere, EngineSettings, open_engine


def test_functions_take_turns_and_the_first_changes():
    calls: list[str] = []
    seconds = taking_turns(3, lambda: calls.append("a"), lambda: calls.append("b"), warm_up=1)
    assert "".join(calls) == "ab" + "ba" + "ab" + "ba"
    assert [len(times) for times in seconds] == [3, 3]


def test_a_ratio_is_of_medians():
    row = ratio_row("x.ratio", [[2.0, 2.0, 90.0], [1.0, 1.0, 1.0]], "the floor")
    assert (row.value, row.unit, row.n, row.against) == (2.0, "ratio", 3, "the floor")


def test_a_function_that_sleeps_twice_as_long_takes_twice_as_long():
    seconds = taking_turns(5, lambda: time.sleep(0.04), lambda: time.sleep(0.02), warm_up=0)
    assert ratio_row("x.ratio", seconds, "half").value == pytest.approx(2, rel=0.2)


def test_the_row_has_the_agreed_keys():
    assert median_row("x", [1.0, 2.0, 4.0], "s", "nothing").to_json().keys() == {
        "name", "value", "unit", "against", "n", "spread",
    }  # fmt: skip


def test_the_spread_of_one_value_is_nothing():
    assert spread([3.0]) == 0.0
    assert spread([1.0, 2.0, 3.0, 4.0]) == pytest.approx(2.5)


def test_percentiles_are_rows_of_their_own():
    rows = percentile_rows("x", [float(value) for value in range(1, 102)], "nothing")
    assert [(row.name, row.value) for row in rows] == [("x.p50_ms", 51), ("x.p95_ms", 96), ("x.p99_ms", 100)]


def test_detectors_are_compared_in_processes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(edge, "_CALLS", 10)
    network = tmp_path / "detector.onnx"
    network.write_bytes(reference_network(320, tmp_path))
    theirs_s, ours_s = edge.apart("ultralytics", "trunnion", network, 320)
    assert len(theirs_s) == len(ours_s) == 10
    assert min(theirs_s + ours_s) > 0


def test_what_a_process_costs_is_what_the_kernel_counted():
    before_s, began_s = cpu_s(os.getpid()), time.process_time()
    while time.process_time() - began_s < 0.2:
        sum(range(1000))
    assert cpu_s(os.getpid()) - before_s == pytest.approx(0.2, abs=0.1)
    assert 10 < rss_mib(os.getpid()) < 100_000


def test_a_node_can_be_measured_from_a_shell_that_knows_nothing_of_ros(tmp_path: Path, repository: Path):
    program = "; ".join(
        [
            "from pathlib import Path",
            "from trunnion.bench.cell_nodes import running_node",
            f"node = running_node('detector', Path({str(write_bundle(tmp_path / 'tiny'))!r}))",
            "print(list(node.__enter__().process_ids))",
            "node.__exit__(None, None, None)",
        ]
    )
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "ROS_DOMAIN_ID") if name in os.environ}
    command = [repository / ".venv/bin/python", "-c", program]
    answer = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert answer.stdout == "['detector']\n", answer.stderr


def test_what_the_middleware_takes_is_measured_without_a_detector(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(node, "_FRAMES", 10)
    rows = {row.name: row for row in node._middleware()}
    assert rows["node.middleware.p50_ms"].n == 10
    assert 0 < rows["node.middleware.p50_ms"].value <= rows["node.middleware.p99_ms"].value


def test_the_row_says_where_int8_is_not_faster():
    faster = int8_speedup([[3.0, 3.0], [2.0, 2.0]], 320)
    assert (faster.value, faster.against) == (1.5, "session.run of fp32 over int8 at 320 px")
    assert int8_speedup([[2.0, 2.0], [3.0, 3.0]], 320).against.endswith("INT8 is not faster on this machine")


def test_a_bundle_without_int8_has_no_rows_about_it_and_the_log_says_which_one_has(
    small_bundle: Path, caplog: pytest.LogCaptureFixture
):
    assert _int8(open_bundle(small_bundle)) == []
    assert "no rows edge.int8.*" in caplog.text
    assert "sorting_cell_int8.yaml" in caplog.text


def test_the_rows_of_a_gpu_name_the_runtime_that_made_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(edge, "_CALLS", 3)
    on_cpu = EngineSettings(device="cpu")
    # Without a GPU, what measures it is tried on the CPU.
    monkeypatch.setattr(edge, "open_engine", lambda network, settings: open_engine(network, on_cpu))
    rows = edge._on_gpu(reference_network(320, tmp_path), reference_spec(320), noise_image())
    assert [row.name for row in rows[:2]] == [
        "edge.gpu.detector.320.ratio",
        "edge.gpu.detector.320.whole.p50_ms",
    ]
    assert all("onnxruntime" in row.against for row in rows)


def test_without_a_gpu_there_are_no_rows_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuses(network: bytes, settings: EngineSettings) -> None:
        raise CannotRunHere(where="device", got="no GPU", wanted="one", next_step="ask for device cpu")

    monkeypatch.setattr(edge, "open_engine", refuses)
    assert edge._on_gpu(b"", reference_spec(320), noise_image()) == []
