"""A proof that was asked for in another way is another stage, or at least another input of the same."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from trunnion.proving import AS_DECLARED, Papers, Proving
from trunnion.stages import PROVE, STAGES
from trunnion_contract.bundle import MODEL
from trunnion_contract.files import write_text
from trunnion_contract.proof import Gate, Proof


def _inputs(asked: Proving, usecase) -> dict[str, str]:
    (stage,) = [stage for stage in asked.among(STAGES) if stage.name.startswith("prove")]
    return stage.inputs(usecase)


def test_a_proof_as_declared_leaves_the_flow_as_it_is() -> None:
    assert AS_DECLARED.among(STAGES) == STAGES


def test_a_proof_in_another_suite_stands_where_packing_does_not_look() -> None:
    names = [stage.name for stage in Proving(suite="smoke").among(STAGES)]
    assert "prove.smoke" in names
    assert PROVE.name not in names
    assert Proving(suite="/elsewhere/my_cell.yaml").stage == "prove.my_cell"


def test_what_was_asked_for_decides_whether_a_proof_stands(small_flow, tmp_path: Path) -> None:
    usecase = small_flow.small_usecase()
    declared = _inputs(AS_DECLARED, usecase)
    assert _inputs(Proving(sequential=True), usecase) != declared
    champion = Proving(against=tmp_path)
    before = _inputs(champion, usecase)
    write_text(tmp_path / "export" / MODEL, "{}")
    after = _inputs(champion, usecase)
    assert len({json.dumps(inputs, sort_keys=True) for inputs in (declared, before, after)}) == 3


def test_a_changed_suite_file_is_another_input(small_flow, tmp_path: Path) -> None:
    usecase, suite = small_flow.small_usecase(), tmp_path / "suite.yaml"
    asked = Proving(suite=str(suite))
    found = []
    for text in ("version: 1.0.0", "version: 1.0.1"):
        suite.write_text(text)
        found.append(_inputs(asked, usecase))
    assert found[0] != found[1]


@pytest.fixture
def proof() -> Proof:
    gate = Gate(name="nominal, lower bound", got="0.7", wanted="at least 0.8", passed=False)
    return Proof(
        name="small", version="0.1.0", usecase_digest="0", dataset_digest=None, model_digest="0",
        files={}, runtime={}, gates=(gate,), simulated=False,
    )  # fmt: skip


def test_papers_are_written_where_they_were_asked_for_and_nowhere_else(tmp_path: Path, proof: Proof) -> None:
    Papers(junit=tmp_path / "ci" / "junit.xml").write(proof)
    assert ElementTree.parse(tmp_path / "ci" / "junit.xml").getroot().get("failures") == "1"
    assert [path.name for path in tmp_path.rglob("*.*")] == ["junit.xml"]


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["replay", "7"], "runs"),
        (["replay", "7", "--run", "nowhere"], "nowhere/usecase.json"),
        (["replay", "7", "--precision", "int4", "--run", "nowhere"], "--precision"),
    ],
)
def test_a_replay_without_a_proof_says_what_is_missing(trunnion, words: list[str], where: str) -> None:
    answer = trunnion(*words)
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.splitlines()[0] == where
