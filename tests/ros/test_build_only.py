"""With build_only a node makes the engine for its device ready, says so, and ends: what provisioning calls."""

from __future__ import annotations

import subprocess
from pathlib import Path

import onnxruntime
import pytest

from trunnion_bringup.table import NodeEntry, ament_prefixes, executable_path

WITHIN_S = 60


def build(executable: str, environment: dict[str, str], *parameters: str) -> subprocess.CompletedProcess[str]:
    """A node's process to its end; output and errors together, in the order in which they came."""
    words = [word for parameter in ("build_only:=true", *parameters) for word in ("-p", parameter)]
    entry = NodeEntry(name="builds", package="trunnion_inference", executable=executable)
    command = [str(executable_path(entry, ament_prefixes(environment))), "--ros-args", *words]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, env=environment, text=True, check=False, timeout=WITHIN_S, **both)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("executable", ["detector_node", "policy_node"])
def test_the_node_says_that_the_engine_is_ready_and_ends_well(
    executable: str, bundle_file: Path, ros_process_environment: dict[str, str]
) -> None:
    done = build(executable, ros_process_environment, f"bundle:={bundle_file}", "device:=cpu")
    assert done.returncode == 0, done.stdout
    runtime = f"onnxruntime {onnxruntime.__version__} on cpu"
    ready = f"build_only: the engine for {bundle_file.name} is ready on this device ({runtime}); ends"
    assert ready in done.stdout
    assert "Traceback" not in done.stdout


def test_a_bundle_that_cannot_be_used_ends_it_as_bad_input(
    bundle_file: Path, ros_process_environment: dict[str, str], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.trunnion"
    damaged.write_bytes(bundle_file.read_bytes()[:-1])
    done = build("detector_node", ros_process_environment, f"bundle:={damaged}")
    assert done.returncode == 2, done.stdout
    assert "build_only" not in done.stdout
    assert "damaged.trunnion" in done.stdout


def test_a_runtime_that_is_not_here_ends_it_as_bad_input_and_says_what_to_install(
    bundle_file: Path, ros_process_environment: dict[str, str], tmp_path: Path
) -> None:
    here = {**ros_process_environment, "CUDA_VISIBLE_DEVICES": ""}
    done = build(
        "detector_node", here, f"bundle:={bundle_file}", "backend:=tensorrt", f"engine_cache_dir:={tmp_path}"
    )
    assert done.returncode == 2, done.stdout
    assert "Next: install" in done.stdout
    assert list(tmp_path.iterdir()) == []
