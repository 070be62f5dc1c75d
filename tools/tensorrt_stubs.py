"""Type stubs of the real TensorRT, of several versions, made on a machine that has neither TensorRT nor a GPU.

NVIDIA's bindings are a Python extension of a megabyte that comes as a wheel of its own; what it needs of TensorRT's
libraries are nine functions by name. Three empty libraries that define them let it be imported, and pybind11-stubgen
then writes down every class, method and enum that it has.

    python tools/tensorrt_stubs.py            # makes what is missing, prints a folder a version

The folders lie in the user's cache, and nothing of them is committed. tests/edge/test_tensorrt_types.py checks the
backend against each.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# JetPack 6, JetPack 7, and the newest there is.
PACKAGES = {
    "10.3.0": "tensorrt-cu12-bindings",
    "10.13.3.9": "tensorrt-cu12-bindings",
    "11.4.0.106": "tensorrt-cu13-bindings",
}
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")
FUNCTIONS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
)
ROOT = Path(__file__).resolve().parents[1]
UNREADABLE = "{indent}def {name}(self, *args: typing.Any, **kwargs: typing.Any) -> typing.Any:"


def stubs(version: str) -> Path:
    """A folder with `tensorrt.pyi` of a version, and under `extension/` the extension itself, which imports."""
    folder = _cache() / f"tensorrt-{version}-{_recipe()}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _make(version, work)
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was first
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def readable(stub: str) -> str:
    """Stubs that are Python: a signature that is none, such as one with an argument `in`, takes anything."""
    lines = []
    for line in stub.splitlines():
        head = re.match(r"(?P<indent>\s*)def (?P<name>\w+)\(.*:$", line)
        lines.append(line if head is None or _is_python(line) else UNREADABLE.format(**head.groupdict()))
    return "\n".join(lines) + "\n"


def _is_python(definition: str) -> bool:
    try:
        ast.parse(f"{definition.strip()} ...")
    except SyntaxError:
        return False
    return True


def _make(version: str, work: Path) -> None:
    extension = work / "extension"
    _download(version, extension)
    major = version.partition(".")[0]
    for library in LIBRARIES:
        _empty_library(extension / f"lib{library}.so.{major}")
    stubgen = [sys.executable, "-m", "pybind11_stubgen", "--ignore-all-errors", "tensorrt", "-o", str(work)]
    _run(stubgen, env={**os.environ, "PYTHONPATH": str(extension)})
    stub = work / "tensorrt.pyi"
    # The package around the extension, which is Python, adds its version.
    assert re.search(r"^__version__ = ", (extension / "__init__.py").read_text(), re.MULTILINE)
    stub.write_text(readable(stub.read_text()) + "__version__: str\n")


def _download(version: str, extension: Path) -> None:
    """The wheel's package, through pip as this machine has configured it."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = f"{PACKAGES[version]}=={version}"
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        options = ["--no-deps", "--only-binary=:all:", "--python-version", python, "--dest", folder]
        _run([_python_with_pip(), "-m", "pip", "download", "--quiet", *options, wanted])
        (wheel,) = Path(folder).glob("*.whl")
        shutil.unpack_archive(wheel, folder, "zip")
        shutil.copytree(Path(folder) / "tensorrt_bindings", extension)


def _python_with_pip() -> str:
    own = ROOT / ".venv" / ".uv" / "bin" / "python"
    return str(own) if own.is_file() else sys.executable


def _empty_library(path: Path) -> None:
    source = "".join(f"void *{name}(void) {{ return 0; }}\n" for name in FUNCTIONS)
    command = ["cc", "-x", "c", "-shared", "-fPIC", f"-Wl,-soname,{path.name}", "-o", str(path), "-"]
    _run(command, input=source)


def _run(command: list[str], **more: object) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "trunnion"


def _recipe() -> str:
    """What the stubs depend on besides the version of TensorRT."""
    return hashlib.sha256(Path(__file__).read_bytes() + sys.version.encode()).hexdigest()[:16]


if __name__ == "__main__":
    for known in PACKAGES:
        print(stubs(known))
