"""A plan says what can be held against a proof, and asks for nobody who cannot be."""

from __future__ import annotations

import base64

import pytest

from trunnion_contract.errors import BadInput
from trunnion_contract.plan import Criterion, Plan
from trunnion_contract.strict import parse

ANNA = base64.b64encode(bytes([1] * 32)).decode()
STAGE = {
    "criteria": [{"what": "parts are found", "metric": "detector.map50", "min": 0.9}],
    "approvals": ["sme"],
}
APPROVERS = {"anna": {"key": ANNA, "roles": ["sme"]}}


@pytest.mark.parametrize(("value", "met"), [(0.9, True), (0.89, False), (None, False)])
def test_what_was_not_measured_meets_nothing(value, met):
    assert Criterion(what="found", metric="detector.map50", min=0.9).met(value) is met


def test_stages_come_in_their_order_and_may_be_left_out():
    both = parse(Plan, {"mvp": STAGE, "poc": STAGE, "approvers": APPROVERS}, "plan")
    assert [name for name, _ in both.stages()] == ["poc", "mvp"]
    assert [name for name, _ in parse(Plan, {"mvp": STAGE, "approvers": APPROVERS}, "plan").stages()] == [
        "mvp"
    ]


@pytest.mark.parametrize(
    ("plan", "wanted"),
    [
        ({"poc": {**STAGE, "approvals": ["owner"]}, "approvers": APPROVERS}, "an approver for owner"),
        ({"poc": STAGE, "approvers": {"anna": {"key": "c2hvcnQ=", "roles": ["sme"]}}}, "public Ed25519 key"),
        (
            {"poc": STAGE, "approvers": {**APPROVERS, "ben": {"key": ANNA, "roles": ["sme"]}}},
            "a key of its own",
        ),
        ({"poc": {**STAGE, "criteria": [{"what": "w", "min": 1}]}, "approvers": APPROVERS}, "a `metric`"),
        ({"poc": {**STAGE, "approvals": []}, "approvers": APPROVERS}, "at least 1"),
    ],
)
def test_a_plan_that_nobody_could_pass_or_fail_is_refused(plan, wanted):
    with pytest.raises(BadInput, match=wanted):
        parse(Plan, plan, "plan")
