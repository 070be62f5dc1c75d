"""A robot imports the edge quickly: what is heavy is loaded when it is first used.

How long it takes is measured by `trunnion bench`; what it takes along is held here.
"""

from __future__ import annotations

import subprocess
import sys

FLOOR = """
import numpy, yaml, pydantic
class Model(pydantic.BaseModel):
    value: int
"""
EDGE = """
import trunnion_contract.bundle, trunnion_contract.usecase
import trunnion_edge.accuracy, trunnion_edge.detector, trunnion_edge.policy, trunnion_edge.limits
import trunnion_edge.sorting, trunnion_edge.gripper, trunnion_edge.violations, trunnion_edge.telemetry
"""
OURS = {"trunnion_contract", "trunnion_edge"}


def test_contract_and_edge_load_no_package_but_ours_numpy_yaml_and_pydantic() -> None:
    assert loaded(EDGE) - loaded(FLOOR) == OURS


def loaded(script: str) -> set[str]:
    """The packages, other than Python's own, that a Python of its own has loaded at the end of `script`."""
    command = [sys.executable, "-c", script + "\nimport sys; print(*sys.modules)"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in result.stdout.split()}
    # Where Python keeps what it was built with has a name of its own on each machine.
    return {name for name in packages - sys.stdlib_module_names if not name.startswith("_sysconfigdata")}
