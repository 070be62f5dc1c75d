"""A robot imports the edge quickly: what is heavy is loaded when it is first used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FLOOR = """
import time, numpy, yaml, pydantic
class Model(pydantic.BaseModel):
    value: int
print(time.process_time())
"""
EDGE = """
import sys, time
import trunnion_contract.bundle, trunnion_contract.usecase
import trunnion_edge.accuracy, trunnion_edge.detector, trunnion_edge.policy, trunnion_edge.limits
import trunnion_edge.sorting, trunnion_edge.gripper, trunnion_edge.violations, trunnion_edge.telemetry
print(time.process_time(), *({"cv2", "onnxruntime", "torch", "onnx"} & set(sys.modules)))
"""


def test_contract_and_edge_cost_less_than_what_they_stand_on_and_load_no_runtime(tmp_path: Path) -> None:
    # As on a robot, where what was compiled once is kept: the first run compiles.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    floor_s, edge_s = [], []
    for _ in range(4):
        floor_s.append(float(run(FLOOR, environment)[0]))
        spent_s, *loaded = run(EDGE, environment)
        edge_s.append(float(spent_s))
        assert loaded == []
    assert min(edge_s) < 2 * min(floor_s)


def run(script: str, environment: dict[str, str]) -> list[str]:
    """What a Python of its own prints: its processor time since it began, and more."""
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return result.stdout.split()
