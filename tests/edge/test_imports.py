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
print(time.process_time(), *sys.modules)
"""
EDGE = """
import time
import trunnion_contract.bundle, trunnion_contract.usecase
import trunnion_edge.accuracy, trunnion_edge.detector, trunnion_edge.policy, trunnion_edge.limits
import trunnion_edge.sorting, trunnion_edge.gripper, trunnion_edge.violations, trunnion_edge.telemetry
print(time.process_time(), *sys.modules)
"""
OURS = {"trunnion_contract", "trunnion_edge"}
# Other work on the machine can double what an import takes, so the quickest of many are compared.
ROUNDS_MIN, ROUNDS_MAX = 4, 20


def test_contract_and_edge_cost_less_than_what_they_stand_on_and_load_nothing_else(tmp_path: Path) -> None:
    # As on a robot, where what was compiled once is kept: the first run compiles.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    floor_s, edge_s = [], []
    while len(edge_s) < ROUNDS_MIN or (len(edge_s) < ROUNDS_MAX and min(edge_s) >= 2 * min(floor_s)):
        spent_s, floor = run(FLOOR, environment)
        floor_s.append(spent_s)
        spent_s, edge = run(EDGE, environment)
        edge_s.append(spent_s)
        assert edge - floor == OURS
    assert min(edge_s) < 2 * min(floor_s)


def run(script: str, environment: dict[str, str]) -> tuple[float, set[str]]:
    """A Python of its own: its processor time since it began, and the packages it loaded other than Python's own."""
    command = [sys.executable, "-c", f"import sys\n{script}"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    spent_s, *modules = result.stdout.split()
    packages = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    # Where Python keeps what it was built with has a name of its own on each machine.
    return float(spent_s), {name for name in packages if not name.startswith("_sysconfigdata")}
