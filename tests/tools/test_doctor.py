"""The doctor names what is missing together with what mends it."""

from __future__ import annotations

from trunnion.doctor import facts


def test_every_fact_has_a_name_a_finding_and_a_cure_when_it_is_bad():
    for fact, _ in facts():
        assert fact.name
        assert fact.found
        assert fact.ok or fact.mend


def test_it_looks_at_what_the_flow_and_the_cell_need():
    names = {fact.name for fact, _ in facts()}
    assert {
        "Python",
        "C++ compiler",
        "ROS 2",
        "disk",
        "shared memory",
        "port of the bridge",
        "GPU",
        "TensorRT",
    } <= names


def test_this_machine_passes_because_these_tests_run_on_it(trunnion):
    answer = trunnion("doctor")
    assert answer.returncode == 0, answer.stdout
    assert "everything that is needed is here" in answer.stdout
