"""The digest of a stage's code changes with the code that it runs, and with no other."""

from __future__ import annotations

import sys

import pytest

from trunnion import code_digest as module
from trunnion.code_digest import code_digest, foreign_code_digest, reached
from trunnion.stages import STAGES


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


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A package and a module of somebody else."""
    folder = tmp_path / "their_envs"
    folder.joinpath("deep").mkdir(parents=True)
    folder.joinpath("__init__.py").touch()
    folder.joinpath("deep", "env.py").write_text("REWARD = 1\n")
    tmp_path.joinpath("their_env.py").write_text("REWARD = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("package", "file"),
    [
        ("their_envs", "their_envs/deep/env.py"),
        ("their_envs.deep", "their_envs/deep/env.py"),
        ("their_env", "their_env.py"),
    ],
)
def test_a_change_to_a_package_that_is_not_ours_changes_its_digest(foreign, package, file):
    before = foreign_code_digest(package)
    assert foreign_code_digest(package) == before
    foreign.joinpath(file).write_text("REWARD = 2\n")
    assert foreign_code_digest(package) != before
    assert not {"their_envs", "their_env"} & sys.modules.keys()


def test_compiled_files_do_not_count(foreign):
    before = foreign_code_digest("their_envs")
    foreign.joinpath("their_envs", "__init__.pyc").write_bytes(b"compiled")
    assert foreign_code_digest("their_envs") == before


def test_a_package_that_is_not_there_has_a_digest_of_its_own(foreign):
    assert foreign_code_digest("nobodys_envs") != foreign_code_digest("their_envs")


def test_training_and_proof_depend_on_an_environment_that_is_not_ours(foreign, small_flow):
    usecase = small_flow.small_usecase()
    policy = usecase.models.policy.model_copy(update={"env_package": "their_envs"})
    usecase = usecase.model_copy(update={"models": usecase.models.model_copy(update={"policy": policy})})
    learnt_or_proven = [stage for stage in STAGES if stage.name in ("train.policy", "prove")]
    before = [stage.inputs(usecase) for stage in learnt_or_proven]
    foreign.joinpath("their_envs", "deep", "env.py").write_text("REWARD = 2\n")
    for stage, inputs in zip(learnt_or_proven, before, strict=True):
        now = stage.inputs(usecase)
        assert {name for name in now if now[name] != inputs[name]} == {"code of their_envs"}


def test_a_policy_is_learnt_again_from_another_recording(small_flow, tmp_path):
    usecase, recording = small_flow.small_usecase(), tmp_path / "shown.parquet"
    policy = usecase.models.policy.model_copy(update={"recording": recording, "demonstrations": None})
    usecase = usecase.model_copy(update={"models": usecase.models.model_copy(update={"policy": policy})})
    stage = next(stage for stage in STAGES if stage.name == "train.policy")
    recording.write_bytes(b"one")
    before = stage.inputs(usecase)
    recording.write_bytes(b"two")
    now = stage.inputs(usecase)
    assert {name for name in now if now[name] != before[name]} == {"recording"}


@pytest.mark.parametrize(("section", "depends"), [({}, False), ({"early_stop": {}}, True)])
def test_a_policy_depends_on_the_gates_where_they_may_end_its_learning(small_flow, section, depends):
    usecase = small_flow.small_usecase()
    learnt = {**usecase.models.policy.model_dump(mode="json"), **section}
    policy = type(usecase.models.policy).model_validate(learnt)
    usecase = usecase.model_copy(update={"models": usecase.models.model_copy(update={"policy": policy})})
    stage = next(stage for stage in STAGES if stage.name == "train.policy")
    before = stage.inputs(usecase)
    gates = usecase.prove.gates.model_copy(update={"policy_success_min": 0.987})
    harder = usecase.prove.model_copy(update={"gates": gates})
    now = stage.inputs(usecase.model_copy(update={"prove": harder}))
    assert (now != before) == depends


def test_the_packages_of_this_checkout_are_found():
    names = {path.name for path in reached("trunnion_contract.bundle")}
    assert {"bundle.py", "manifest.py", "cell.py", "errors.py"} <= names
