"""From a packed candidate to the champion, by the commands that people type: keys, approvals, promotion, report."""

from __future__ import annotations

import pytest
import yaml

FOUND = {"what": "parts are found", "metric": "detector.map50", "min": 0.0}


@pytest.fixture
def planned(copied, trunnion, tmp_path):
    """The finished run, its use case with a plan, and the keys of those who approve."""
    approvers = {}
    for name, role in (("anna", "sme"), ("ben", "owner")):
        made = trunnion("approve", "keygen", "--key", tmp_path / name)
        assert made.code == 0, made
        (public,) = (line.split()[1] for line in made.out.splitlines() if line.startswith("public"))
        approvers[name] = {"key": public, "roles": [role]}
    document = yaml.safe_load(copied.usecase.read_text())
    document["plan"] = {
        "poc": {"criteria": [FOUND], "approvals": ["sme"]},
        "mvp": {"approvals": ["sme", "owner"]},
        "approvers": approvers,
    }  # fmt: skip
    usecase = tmp_path / "small_cell.yaml"
    usecase.write_text(yaml.safe_dump(document, sort_keys=False))
    return usecase, ("--runs", copied.runs)


def test_a_candidate_becomes_champion_once_everybody_who_is_asked_has_signed(planned, trunnion, tmp_path):
    usecase, runs = planned
    early = trunnion("promote", usecase, *runs)
    assert early.code == 1, early
    assert "mvp: no approval as owner" in early.said["got"]
    for name, role, stage in (("anna", "sme", "poc"), ("anna", "sme", "mvp"), ("ben", "owner", "mvp")):
        key = ("--key", tmp_path / name)
        assert trunnion("approve", usecase, *runs, "--role", role, "--stage", stage, *key).code == 0
    forged = trunnion(
        "approve", usecase, *runs, "--role", "owner", "--stage", "mvp", "--key", tmp_path / "anna"
    )
    assert (forged.code, forged.said["got"]) == (2, "anna as owner")
    crowned = trunnion("promote", usecase, *runs)
    assert crowned.code == 0, crowned
    assert "version 1 of small_cell is champion: the first" in crowned.out
    again = trunnion("promote", usecase, *runs)
    assert (again.code, again.said["wanted"]) == (2, "one of 1, champion")
    reported = trunnion("report", usecase, *runs, "--stage", "mvp")
    assert reported.code == 0, reported
    page = next(tmp_path.rglob("mvp.html")).read_text()
    assert "anna" in page
    assert "ben" in page
