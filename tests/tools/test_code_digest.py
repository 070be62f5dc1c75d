"""The digest of a stage's code changes with the code that it runs, and with no other."""

from __future__ import annotations

import sys

import pytest

from trunnion import code_digest as module
from trunnion.code_digest import code_digest, reached


@pytest.fixture
def own_package(tmp_path, monkeypatch):
    """A package of ours made for the test; the caches of the finder are emptied before and after."""
    files = {
        "__init__.py": "",
        "entry.py": "from trunnion_made import used\nTABLE = {'late': 'trunnion_made.late:Thing'}\n",
        "used.py": "def f():\n    from .deep import thing\n",
        "unused.py": "",
        "late.py": "class Thing: ...\n",
        "deep/__init__.py": "from . import thing\n",
        "deep/thing.py": "",
        "deep/page.html": "<p>",
        "suites/nominal.yaml": "episodes: 3\n",
        "used/table.csv": "1\n",
        "unused/table.csv": "1\n",
        "apart/__init__.py": "",
        "apart/table.csv": "1\n",
    }
    for name, text in files.items():
        path = tmp_path / "trunnion_made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "OWN_PACKAGES", ("trunnion_made",))
    monkeypatch.setattr(module, "_MODULE_IN_STRING", module.re.compile(r"trunnion_made(\.\w+)*(:\w+)?"))
    empty_caches()
    yield tmp_path / "trunnion_made"
    empty_caches()


def empty_caches():
    for cached in (module._installed, module._package_root, module._imports):
        cached.cache_clear()


def test_imports_are_followed_into_functions_strings_and_packages(own_package):
    names = {path.relative_to(own_package).as_posix() for path in reached("trunnion_made.entry")}
    assert names == {"__init__.py", "entry.py", "used.py", "late.py", "deep/__init__.py", "deep/thing.py"}


@pytest.mark.parametrize(
    "name", ["entry.py", "late.py", "deep/thing.py", "deep/page.html", "suites/nominal.yaml"]
)
def test_a_change_to_what_runs_changes_the_digest(own_package, name):
    before = code_digest("trunnion_made.entry")
    (own_package / name).write_text("# changed\n")
    empty_caches()
    assert code_digest("trunnion_made.entry") != before


@pytest.mark.parametrize("name", ["unused.py", "unused/table.csv", "apart/table.csv", "README.md"])
def test_a_change_to_anything_else_does_not(own_package, name):
    before = code_digest("trunnion_made.entry")
    (own_package / name).write_text("# changed\n")
    empty_caches()
    assert code_digest("trunnion_made.entry") == before


def test_the_digest_does_not_depend_on_where_the_checkout_is(own_package, tmp_path, monkeypatch):
    before = code_digest("trunnion_made.entry")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    own_package.rename(moved / "trunnion_made")
    monkeypatch.syspath_prepend(moved)
    empty_caches()
    assert code_digest("trunnion_made.entry") == before


def test_nothing_is_imported_to_find_it_out(own_package):
    code_digest("trunnion_made.entry")
    assert "trunnion_made" not in sys.modules


def test_the_packages_of_this_checkout_are_found():
    names = {path.name for path in reached("trunnion_contract.bundle")}
    assert {"bundle.py", "manifest.py", "cell.py", "errors.py"} <= names
