"""The report of a stage says what its evidence says: passed only where nothing is lacking."""

from __future__ import annotations

import shutil
import zipfile

import pytest
from rich.console import Console

from trunnion.approvals.approving import Approval, approve
from trunnion.approvals.keys import make_key
from trunnion.pipeline import Run
from trunnion.reporting.report import report
from trunnion_contract.errors import BadInput
from trunnion_contract.plan import Plan
from trunnion_contract.proof import DetectorEvaluation, Failure, ScenarioResult, wilson

QUIET = Console(quiet=True)
FOUND = DetectorEvaluation(
    images=9, map50=0.95, map50_95=0.7, map50_by_class={"gear": 0.95}, confusion=((8, 1), (0, 0))
)
PLAYED = ScenarioResult(
    name="nominal", success=wilson(3, 4), success_lower_min=None, limit_violations=0, interventions=0,
    median_time_s=1.5, trajectory_sha256="0", failures=(Failure(seed=17, reason="dropped <the> part"),),
)  # fmt: skip


class Desk:
    """A run of the small use case that was proven and packed, with a plan."""

    def __init__(self, folder, usecase, bundle) -> None:
        self.folder, self.key, self.bundle = folder, folder / "anna.pem", bundle
        people = {"anna": {"key": make_key(self.key), "roles": ["sme"]}}
        criterion = {"what": "parts are found", "metric": "detector.map50", "min": 0.9}
        plan = {"poc": {"criteria": [criterion], "approvals": ["sme"]}, "approvers": people}
        self.usecase = usecase.model_copy(update={"plan": Plan.model_validate(plan)})
        self.run = Run(self.usecase, folder / "runs" / "small")
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(self.run.stage("prove"))
        shutil.copytree(self.run.stage("prove"), self.run.stage("export"))
        self.run.stage("pack").mkdir()
        shutil.copyfile(bundle, self.run.stage("pack") / bundle.name)

    def approve(self, **more) -> None:
        asked = Approval("poc", "sme", **more)
        approve(QUIET, self.usecase, self.folder / "small.yaml", asked, self.bundle, self.key)

    def report(self, stage="poc", pdf=False) -> tuple[int, str]:
        code = report(QUIET, self.usecase, self.folder / "small.yaml", self.run, stage, pdf)
        return code, (self.run.folder / "reports" / f"{stage}.html").read_text()


@pytest.fixture
def desk(tmp_path, small_flow, write_small_bundle) -> Desk:
    return Desk(tmp_path, small_flow.small_usecase(), write_small_bundle(detector=FOUND, scenarios=(PLAYED,)))


def test_a_stage_that_nobody_approved_is_not_passed(desk):
    code, page = desk.report()
    assert code == 1
    assert "Not passed" in page
    assert "no approval as sme" in page


def test_an_approved_stage_names_who_approved_and_what_failed(desk):
    desk.approve(comment="the <b>grasps</b>")
    code, page = desk.report()
    assert (code, "Passed" in page) == (0, True)
    assert "anna" in page
    assert "the &lt;b&gt;grasps" in page
    assert "dropped &lt;the&gt; part" in page
    assert ">17<" in page
    assert "0.565 to 0.980" in page
    assert "Energy: not measured" in page


def test_a_refusal_is_the_last_word(desk):
    desk.approve()
    desk.approve(refused=True)
    code, page = desk.report()
    assert code == 1
    assert "sme refused" in page


def test_without_a_bundle_of_the_proof_no_approval_counts(desk):
    desk.approve()
    (desk.run.stage("pack") / desk.bundle.name).unlink()
    code, page = desk.report()
    assert code == 1
    assert "no bundle was packed" in page


def test_a_stage_that_the_plan_has_not_is_refused(desk):
    with pytest.raises(BadInput, match="--stage: got mvp"):
        desk.report("mvp")


def test_without_a_browser_the_page_stands_and_the_pdf_is_refused(desk, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BadInput, match="no Chromium"):
        desk.report(pdf=True)
    assert (desk.run.folder / "reports" / "poc.html").is_file()
