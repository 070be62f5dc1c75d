"""A robot imports the edge quickly: what is heavy is loaded when it is first used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys, time
import numpy, yaml, pydantic
class Floor(pydantic.BaseModel):
    value: int
began_s = time.process_time()
import trunnion_contract.bundle, trunnion_contract.usecase
import trunnion_edge.accuracy, trunnion_edge.detector, trunnion_edge.policy, trunnion_edge.limits
import trunnion_edge.sorting, trunnion_edge.gripper, trunnion_edge.violations, trunnion_edge.telemetry
print(time.process_time() - began_s, *({"cv2", "onnxruntime", "torch", "onnx"} & set(sys.modules)))
"""
# From the start of the process, Python's own included.
ALONE = """
import trunnion_edge.detector, trunnion_edge.policy
import time
print(time.process_time())
"""


def test_without_a_backend_the_edge_is_imported_within_half_a_second_of_processor_time(
    tmp_path: Path,
) -> None:
    # As on a robot, where what was compiled once is kept: the first run compiles.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    spent_s = [float(run(ALONE, {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path)})[0]) for _ in range(4)]
    assert min(spent_s) < 0.5


def test_contract_and_edge_add_little_to_what_they_stand_on_and_load_no_runtime() -> None:
    spent_s, *loaded = run(SCRIPT)
    assert loaded == []
    assert float(spent_s) < 0.4


def run(script: str, environment: dict[str, str] | None = None) -> list[str]:
    """What a Python of its own prints."""
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return result.stdout.split()
