"""The TensorRT backend against the real API of three versions, by the type checker: nothing here can run an engine."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

VERSIONS = ("10.3.0", "10.13.3.9", "11.4.0.106")
BACKEND = Path("trunnion_edge", "backends", "tensorrt.py")
SETTINGS = """
[mypy]
python_version = 3.10
strict = true
plugins = pydantic.mypy
mypy_path = {edge}:{stubs}
[mypy-tensorrt.*]
ignore_errors = true
[mypy-cuda.*,cv2.*,onnxruntime.*]
ignore_missing_imports = true
follow_imports = skip
"""


@pytest.fixture(scope="module")
def tensorrt_stubs(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "tensorrt_stubs", repository / "tools" / "tensorrt_stubs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows of NumPy and pydantic, learnt once."""
    return tmp_path_factory.mktemp("mypy")


def complaints(edge: Path, stubs: Path, cache: Path) -> str:
    """What mypy says of the backend in `edge` with `stubs`; empty where it is content."""
    settings = cache / "mypy.ini"
    settings.write_text(SETTINGS.format(edge=edge, stubs=stubs))
    module = ".".join(BACKEND.with_suffix("").parts)
    mypy = Path(sys.executable).with_name("mypy")
    command = [mypy, "--config-file", settings, "--cache-dir", cache / "cache", "-m", module]
    done = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return "" if done.returncode == 0 else done.stdout


@pytest.fixture
def changed_edge(repository: Path, tmp_path: Path) -> Path:
    """A copy of the edge packages that a test may spoil."""
    copy = tmp_path / "edge"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(repository / "edge", copy, ignore=ignored)
    return copy


@pytest.mark.parametrize("version", VERSIONS)
def test_the_backend_uses_only_what_this_version_has(
    version: str, tensorrt_stubs: ModuleType, repository: Path, mypy_cache: Path
) -> None:
    assert complaints(repository / "edge", tensorrt_stubs.stubs(version), mypy_cache) == ""


def test_the_versions_that_are_checked_are_those_that_stubs_are_made_of(tensorrt_stubs: ModuleType) -> None:
    assert tuple(tensorrt_stubs.PACKAGES) == VERSIONS


@pytest.mark.parametrize(
    ("version", "right", "wrong", "complaint"),
    [
        # Gone in 11, so that a backend written for 10 fails here and not on a robot.
        ("11.4.0.106", "BuilderFlag.TF32", "BuilderFlag.FP16", '"type[BuilderFlag]" has no attribute "FP16"'),
        ("10.3.0", "builder.create_builder_config()", "builder.create_config()", '"create_config"'),
        (
            "10.13.3.9",
            "context = engine.create_execution_context()",
            "context = engine",
            'expected "Context"',
        ),
        ("11.4.0.106", "tensor.name, least, usual, greatest", "tensor.name, least, usual", '"max" in call'),
    ],
)
def test_a_call_that_a_version_lacks_is_found(
    version: str,
    right: str,
    wrong: str,
    complaint: str,
    tensorrt_stubs: ModuleType,
    changed_edge: Path,
    mypy_cache: Path,
) -> None:
    source = changed_edge / BACKEND
    text = source.read_text()
    assert right in text
    source.write_text(text.replace(right, wrong))
    assert complaint in complaints(changed_edge, tensorrt_stubs.stubs(version), mypy_cache)


def test_a_flag_that_only_10_has_passes_there(
    tensorrt_stubs: ModuleType, changed_edge: Path, mypy_cache: Path
) -> None:
    source = changed_edge / BACKEND
    source.write_text(source.read_text().replace("BuilderFlag.TF32", "BuilderFlag.FP16"))
    assert complaints(changed_edge, tensorrt_stubs.stubs("10.3.0"), mypy_cache) == ""


def test_a_signature_that_is_no_python_takes_anything(tensorrt_stubs: ModuleType) -> None:
    stub = "class A:\n    def f(self, in: int) -> int:\n        ...\n    def g(self, a: int) -> int:\n        ...\n"
    readable = tensorrt_stubs.readable(stub)
    compile(readable, "stub", "exec")
    assert "def f(self, *args: typing.Any, **kwargs: typing.Any) -> typing.Any:" in readable
    assert "def g(self, a: int) -> int:" in readable
