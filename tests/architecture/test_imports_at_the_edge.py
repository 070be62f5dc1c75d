"""What runs on the robot stays free of training frameworks and simulators, also through others."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

EDGE_PACKAGES = ("trunnion_contract", "trunnion_edge", "trunnion_inference", "trunnion_bridge")
NEVER_ON_THE_ROBOT = ("torch", "torchvision", "ultralytics", "pybullet", "ray")
# TensorRT is on a Jetson and not here; the file that may import it is looked at in the tests below.
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
names = [info.name for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    if not name.endswith(("backends.tensorrt", "__main__", "migrations.env")):
        importlib.import_module(name)
print(len(names), *sorted(set(sys.argv[2:]) & set(sys.modules)))
"""


def python_files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*.py") if not {"build", "install", "log"} & set(file.parts))


def imported_by(file: Path) -> set[str]:
    """Top-level names that `file` imports anywhere, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def importers_of(name: str, folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in python_files(folder) if name in imported_by(file)}


@pytest.mark.parametrize("package", EDGE_PACKAGES)
def test_importing_all_of_it_loads_no_training_framework(
    package: str, ros_process_environment: dict[str, str]
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package, *NEVER_ON_THE_ROBOT],
        env=ros_process_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    modules, *loaded = result.stdout.split()
    assert int(modules) > 0
    assert loaded == []


def test_only_the_gateway_of_the_bridge_imports_rclpy(repository: Path) -> None:
    bridge = repository / "ros2_ws" / "src" / "trunnion_bridge" / "trunnion_bridge"
    assert importers_of("rclpy", bridge) == {"gateway.py"}


def test_only_one_backend_imports_tensorrt(repository: Path) -> None:
    importers = {
        file for part in ("edge", "ros2_ws/src") for file in importers_of("tensorrt", repository / part)
    }
    assert importers <= {"trunnion_edge/backends/tensorrt.py"}


def test_ray_is_known_to_the_engine_of_the_cluster_only(repository: Path) -> None:
    for part in ("edge", "sim", "tools", "ros2_ws/src"):
        assert importers_of("ray", repository / part) == set()
    training = repository / "training" / "trunnion_training"
    assert {Path(file).parts[0] for file in importers_of("ray", training)} == {"cluster"}


def test_the_simulator_meets_ros_in_the_simulated_robots_only(repository: Path) -> None:
    importers = importers_of("trunnion_sim", repository / "ros2_ws" / "src")
    robots = ("simulated_robot", "proving_robot")
    assert importers <= {f"trunnion_cell/trunnion_cell/{robot}.py" for robot in robots}


def test_nothing_imports_tests_or_tools(repository: Path) -> None:
    for part in ("edge", "sim", "training", "ros2_ws/src"):
        assert importers_of("trunnion", repository / part) == set()
        assert importers_of("tests", repository / part) == set()


def test_no_pickle_at_the_edge(repository: Path) -> None:
    for part in ("edge", "ros2_ws/src"):
        for name in ("pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"):
            assert importers_of(name, repository / part) == set(), name
