"""Which failed gates end in the table of the proof, and which in the words of the stage that failed."""

from __future__ import annotations

import pytest
from rich.console import Console

from trunnion import verdict
from trunnion.pipeline import Run, Stage
from trunnion.verdict import run_to_verdict
from trunnion_contract.bundle import PROOF
from trunnion_contract.errors import ExitCode, GatesFailed
from trunnion_contract.files import digest_bytes, write_json, write_text
from trunnion_contract.proof import Gate, Proof


class Flow:
    """Export, proof and packing of nothing, whose gates pass or fail as they are told to."""

    def __init__(self) -> None:
        self.code, self.parity_passes, self.proof_passes = "first", True, True

    def stages(self) -> tuple[Stage, ...]:
        always, nothing, code = (
            (lambda usecase: True),
            (lambda usecase: {}),
            (lambda usecase: {"code": self.code}),
        )
        return (
            Stage("data", (), lambda usecase: False, nothing, self.export),
            Stage("export", (), always, code, self.export),
            Stage("prove", ("export",), always, nothing, self.prove),
            Stage("pack", ("prove",), always, nothing, self.pack),
        )

    def export(self, run, out_dir, progress) -> None:
        write_text(out_dir / "exported.txt", self.code)
        if not self.parity_passes:
            raise GatesFailed(where="model.json", got="3 px", wanted="0.001 px", next_step="compare")

    def prove(self, run, out_dir, progress) -> None:
        gate = Gate(name="success", got="0.5", wanted="at least 0.4", passed=self.proof_passes)
        about = {
            "name": "small",
            "version": "0.1.0",
            "usecase_digest": digest_bytes(b""),
            "dataset_digest": None,
        }
        proof = Proof(
            **about, model_digest=digest_bytes(b""), files={}, runtime={}, gates=(gate,), simulated=False
        )
        write_json(out_dir / PROOF, proof.model_dump(mode="json", by_alias=True))

    def pack(self, run, out_dir, progress) -> None:
        if not self.proof_passes:
            raise GatesFailed(where="proof.json", got="failed", wanted="passed", next_step="read the report")
        write_text(out_dir / "small.txt", "packed")


@pytest.fixture
def flow(monkeypatch):
    flow = Flow()
    monkeypatch.setattr(verdict, "STAGES", flow.stages())
    return flow


@pytest.fixture
def end(tmp_path, small_flow):
    """Runs the flow to its verdict."""
    run = Run(small_flow.small_usecase(), tmp_path / "small")
    return lambda: run_to_verdict(Console(quiet=True), run, "pack")


def test_passed_gates_end_with_0(flow, end):
    assert end() == ExitCode.OK


def test_a_failed_proof_ends_with_its_table_and_1(flow, end):
    flow.proof_passes = False
    assert end() == ExitCode.GATES_FAILED


@pytest.mark.parametrize("proof_passed", [True, False])
def test_a_failed_parity_is_not_hidden_by_an_older_proof(flow, end, proof_passed):
    flow.proof_passes = proof_passed
    end()
    flow.code, flow.parity_passes = "second", False
    with pytest.raises(GatesFailed) as failed:
        end()
    assert failed.value.where == "model.json"
