"""The digest of the code that a stage runs: the modules it reaches by imports, found without running any of them.

A name in a string that is one of our modules counts as an import, because tables of lazily loaded modules and
registered environments are written that way.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from trunnion_contract.files import digest_file, digest_json

OWN_PACKAGES = ("trunnion_contract", "trunnion_edge", "trunnion_training", "trunnion_sim")
_MODULE_IN_STRING = re.compile(rf"({'|'.join(OWN_PACKAGES)})(\.\w+)*(:\w+)?")
_NOT_RESOURCES = (".py", ".pyc", ".pyi", ".md", ".typed")


def code_digest(*modules: str) -> str:
    """SHA-256 over the sources that `modules` reach, and over the resource files in the folders of those."""
    sources = reached(*modules)
    resources = {
        path for folder in {source.parent for source in sources} for path in _resources(folder, sources)
    }
    named = sorted((_relative(path), path) for path in sources | resources)
    return digest_json([[name, digest_file(path)] for name, path in named])


def foreign_code_digest(package: str) -> str:
    """SHA-256 over the files of a package that is not ours; which of them run cannot be told without running them."""
    spec = find_spec(package.partition(".")[0])
    if spec is None:
        return digest_json(None)
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = {
        path: path.relative_to(folder) for folder in folders for path in folder.rglob("*") if _is_code(path)
    }
    if not folders and spec.origin and Path(spec.origin).is_file():
        files = {Path(spec.origin): Path(Path(spec.origin).name)}
    named = sorted((name.as_posix(), digest_file(path)) for path, name in files.items())
    return digest_json(named)


def reached(*modules: str) -> set[Path]:
    """The source files of our packages that importing `modules` can load."""
    found: set[Path] = set()
    waiting = [name for module in modules for name in _with_parents(module)]
    while waiting:
        path = _source(waiting.pop())
        if path and path not in found:
            found.add(path)
            waiting.extend(_imports(path))
    return found


@lru_cache(maxsize=1024)
def _imports(path: Path) -> tuple[str, ...]:
    """Names of our modules in the imports and strings of one file, parents included."""
    tree = ast.parse(path.read_bytes(), str(path))
    names = {name for node in ast.walk(tree) for name in _names(node, path)}
    return tuple(sorted({part for name in names for part in _with_parents(name)}))


def _names(node: ast.AST, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = _absolute(node, path)
        yield module
        yield from (f"{module}.{alias.name}" for alias in node.names)
    elif (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _MODULE_IN_STRING.fullmatch(node.value)
    ):
        yield node.value.partition(":")[0]


def _absolute(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    top = next(parent for parent in path.parents if not (parent.parent / "__init__.py").exists())
    package = path.parent.relative_to(top.parent).parts
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    if parts[0] not in OWN_PACKAGES:
        return []
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _source(module: str) -> Path | None:
    package, *rest = module.split(".")
    if not _installed(package):
        return None
    base = _package_root(package).joinpath(*rest)
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


@lru_cache(maxsize=8)
def _installed(package: str) -> bool:
    return find_spec(package) is not None


@lru_cache(maxsize=8)
def _package_root(package: str) -> Path:
    """The folder of a top-level package; finding it does not import it."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _resources(folder: Path, reached_here: set[Path]) -> Iterator[Path]:
    """Files beside the modules of a package, and in its folders that hold no modules.

    Such a folder belongs to the module of its name (`scenarios/` to `scenarios.py`), where there is one.
    """
    for path in folder.iterdir():
        owner = folder / f"{path.name}.py"
        if path.is_file() and path.suffix not in _NOT_RESOURCES:
            yield path
        elif path.is_dir() and _holds_resources(path) and (owner in reached_here or not owner.exists()):
            yield from _resources(path, reached_here)


def _is_code(path: Path) -> bool:
    return path.is_file() and path.suffix != ".pyc"


def _holds_resources(folder: Path) -> bool:
    return folder.name != "__pycache__" and not any(folder.glob("*.py"))


def _relative(path: Path) -> str:
    """The path as seen from the folder that holds its package, so that a checkout can move."""
    folders = (_package_root(package).parent for package in OWN_PACKAGES if _installed(package))
    return next(path.relative_to(folder).as_posix() for folder in folders if path.is_relative_to(folder))
