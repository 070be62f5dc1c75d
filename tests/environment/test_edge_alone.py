"""What runs on the robot installs alone, without a trainer or a simulator, on every Python that robots have."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from trunnion_setup.pip_settings import uv_environment

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".venv" / ".uv" / "bin" / "uv"
NEVER = ("torch", "torchvision", "ultralytics", "pybullet", "gymnasium", "fastapi")


def oldest() -> list[str]:
    """The oldest release series that the edge promises to run on, of each of its dependencies."""
    project = tomllib.loads((ROOT / "edge" / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    promised = [*project["dependencies"], *extras["image"], *extras["onnxruntime"], *extras["tensorrt"]]
    return [f"{requirement.replace('>=', '==')}.*" for requirement in promised]


FOR_TESTS = ("hypothesis", "onnx", "pytest", "pytest-timeout")
# JetPack 6 and Humble have 3.10: there the oldest releases are tried. Jazzy and JetPack 7 have 3.12.
PYTHONS = {
    "3.10": [*oldest(), *FOR_TESTS],
    "3.12": ["--constraint", "requirements/lock.txt", "cuda-bindings", "trackers", *FOR_TESTS],
}
# TensorRT's own bindings are checked once, with the developer's tools and Python.
DEVELOPERS = ["--ignore=tests/edge/test_tensorrt.py", "--ignore=tests/edge/test_tensorrt_types.py"]
# Following objects needs NumPy 2, which is not among the oldest.
LEFT_OUT = {"3.10": [*DEVELOPERS, "--ignore=tests/edge/test_tracking.py"], "3.12": DEVELOPERS}


def interpreter(version: str) -> str | None:
    """That Python, from the path or from where pyenv keeps it."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    candidates = [shutil.which(f"python{version}"), *map(str, kept)]
    return next((found for found in candidates if found and _answers(found)), None)


def _answers(python: str) -> bool:
    return subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT / "edge", check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Callable[..., Path]:
    """Installs the wheel with its extras into an empty environment of that Python; gives its interpreter."""

    def install(python: str, *words: str) -> Path:
        subprocess.run([python, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
        inside = tmp_path / "venv" / "bin" / "python"
        listed = subprocess.check_output([UV.parent / "python", "-m", "pip", "config", "list"], text=True)
        requirement = f"trunnion-edge[image,onnxruntime] @ {wheel.as_uri()}"
        subprocess.run(
            [UV, "pip", "install", "--quiet", "--python", inside, requirement, *words],
            cwd=ROOT, check=True, env={**os.environ, **uv_environment(listed, os.environ)},
        )  # fmt: skip
        return inside

    return install


def test_the_wheel_brings_no_trainer_and_no_simulator(installed: Callable[..., Path]) -> None:
    python = installed(sys.executable, "--constraint", "requirements/lock.txt")
    code = f"import importlib.util as u; print([n for n in {NEVER} if u.find_spec(n)])"
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_"))}
    assert subprocess.check_output([python, "-c", code], text=True, env=alone).strip() == "[]"
    imports = "import trunnion_edge.detector, trunnion_edge.policy, trunnion_contract.bundle"
    subprocess.run([python, "-c", imports], check=True, env=alone)


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(
            version,
            marks=pytest.mark.skipif(
                interpreter(version) is None, reason=f"NOT RUN: this machine has no Python {version}"
            ),
        )
        for version in PYTHONS
    ],
)
def test_the_edges_own_tests_pass_on_this_python(
    installed: Callable[..., Path], version: str, tmp_path: Path
) -> None:
    found = interpreter(version)
    assert found is not None
    python = installed(found, *PYTHONS[version])
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_"))}
    # Only the claims of the edge, and nothing of this checkout's other packages.
    words = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        "--confcutdir=tests/edge",
        "--timeout=300",
    ]
    answer = subprocess.run(
        [python, "-m", "pytest", *words, *LEFT_OUT[version], "-c", os.devnull, "--rootdir", str(ROOT), "tests/edge"],
        cwd=ROOT, env={**alone, "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-2000:]
    assert "skipped" not in answer.stdout
