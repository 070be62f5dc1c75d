"""What a CI server and a pull request are told."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from trunnion_contract.proof import Failure, Gate, Proof, ScenarioResult, wilson
from trunnion_sim.paired import compare, paired
from trunnion_sim.report.junit import junit_xml
from trunnion_sim.report.markdown import markdown

FAILED = Gate(
    name='lower "bound"',
    got="0.7 & <less>",
    wanted="at least 0.8",
    passed=False,
    note="a | b\nwith `code`, @someone and \x00",
)


@pytest.fixture
def failed(proof: Proof) -> Proof:
    scenario = ScenarioResult(
        name="low_friction",
        success=wilson(18, 20),
        success_lower_min=0.8,
        limit_violations=0,
        interventions=3,
        median_time_s=6.25,
        median_path_m=1.75,
        collisions=4,
        median_collisions=0,
        trajectory_sha256="ab" * 32,
        failures=tuple(Failure(seed=seed, reason="a nut <fell> [away](x)") for seed in range(12)),
    )
    row = paired("low_friction", dict.fromkeys(range(6), False), dict.fromkeys(range(6), True))
    return proof.model_copy(
        update={
            "gates": (*proof.gates, FAILED),
            "scenarios": (scenario,),
            "comparison": compare("cell 0.0.9", "c" * 64, [row]),
        }
    )


def test_each_gate_is_a_test_case_and_a_failed_one_says_got_and_wanted(failed: Proof) -> None:
    root = ElementTree.fromstring(junit_xml(failed))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "0")
    passed, refused = root.iter("testcase")
    assert (passed.get("name"), passed.find("failure")) == ("detector mAP50", None)
    assert refused.get("name") == FAILED.name
    failure = refused.find("failure")
    assert failure is not None
    assert failure.get("message") == "got 0.7 & <less>, wanted at least 0.8"


def test_what_xml_cannot_hold_is_replaced(failed: Proof) -> None:
    failure = next(ElementTree.fromstring(junit_xml(failed)).iter("failure"))
    assert failure.text == FAILED.note.replace("\x00", "\ufffd")


def test_the_digests_of_what_was_proven_go_with_the_gates(failed: Proof) -> None:
    properties = {
        item.get("name"): item.get("value")
        for item in ElementTree.fromstring(junit_xml(failed)).iter("property")
    }
    assert properties["model"] == failed.model_digest
    assert failed.files.items() <= properties.items()


def test_the_table_says_the_verdict_first_and_every_number(failed: Proof) -> None:
    text = markdown(failed)
    assert text.startswith("### cell 0.1.0: 1 of 2 gates failed")
    for shown in ("18 of 20", "0.699 to 0.972", "6.25 s", "1.75 m", "against cell 0.0.9", "0.0156"):
        assert shown in text
    assert "and 2 more" in text


def test_text_from_a_proof_cannot_become_markup_or_break_the_table(failed: Proof) -> None:
    text = markdown(failed)
    assert "<fell>" not in text
    assert "a \\| b with \\`code\\`, \\@someone" in text
    assert "\\[away\\](x)" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    columns = {line.replace("\\|", "").count("|") for line in rows[:4]}
    assert columns == {6}


def test_a_proof_that_passed_says_so_and_lists_no_failures(proof: Proof) -> None:
    text = markdown(proof)
    assert "every gate passed" in text
    assert "Episodes that failed" not in text
