"""The README's first command, to the letter: the shipped use case, in this checkout, on the real cell."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from trunnion_contract.bundle import open_bundle

# From nothing it takes minutes on two cores, and much longer where others work beside it.
PATIENCE_S = 1800.0
STAGES = ("data", "train the detector", "train the policy", "export", "prove", "pack")
# What the README promises of the shipped use case, whatever its gates say.
FLOORS = {
    "detector mAP50": 0.90,
    "policy alone, success": 0.93,
    "policy alone, lower bound": 0.88,
    "nominal, lower bound": 0.80,
}


@pytest.fixture
def make_demo(start, repository, free_port):
    """Starts `make demo` with more arguments of its own; gives the command and the address of its page."""

    def make_demo(*words: str):
        # As from a person's shell: this test's own make must not lend it its job server.
        command = start("-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", "demo", f"PORT={free_port}", *words,
                        cwd=repository, program="env")  # fmt: skip
        return command, f"http://127.0.0.1:{free_port}"

    return make_demo


@pytest.fixture
def bundle(repository) -> Path:
    return repository / "runs" / "sorting_cell" / "pack" / "sorting_cell-0.1.0.trunnion"


def processes_of(bundle: Path) -> list[str]:
    """The command lines of the nodes that run this bundle."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = folder.joinpath("cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended while we looked
            continue
        if any(str(bundle) in word for word in words) and int(folder.name) != os.getpid():
            found.append(" ".join(words))
    return found


@pytest.mark.timeout(PATIENCE_S + 60)
def test_the_demo_proves_its_models_and_sorts_its_order(make_demo, bundle):
    command, url = make_demo()
    command.wait_for("stopping the cell", PATIENCE_S)
    answer = command.end()
    assert answer.code == 0, answer
    assert f"the live page is {url}" in answer.out
    assert "order succeeded: 3 of 3 parts in bin B" in answer.out
    assert "Gates" in answer.out
    for gate in (*FLOORS, "limit violations"):
        assert any(gate in line and "passed" in line for line in answer.out.splitlines()), gate
    for made in (bundle, bundle.parents[1] / "prove" / "report.html"):
        assert str(made) in answer.out
        assert made.is_file()
    assert "Traceback" not in answer.out + answer.err
    assert not processes_of(bundle)


def test_its_proof_holds_what_the_readme_promises(bundle):
    proof = open_bundle(bundle).proof
    gates = {gate.name: gate for gate in proof.gates}
    for name, floor in FLOORS.items():
        assert float(gates[name].got) >= floor, gates[name]
    assert gates["limit violations"].got == "0"
    assert proof.passed


@pytest.mark.timeout(2 * 280)
def test_a_demo_that_is_kept_reuses_every_stage_and_stays_until_ctrl_c(make_demo, bundle):
    command, url = make_demo("KEEP=1")
    command.wait_for(f"the cell stays up: {url}")
    said = command.log.read_text()
    assert [line for line in said.splitlines() if line.endswith("as it was, nothing changed")] == [
        f"{stage}: as it was, nothing changed" for stage in STAGES
    ]
    assert httpx.get(f"{url}/healthz", trust_env=False).is_success
    page = httpx.get(url, trust_env=False)
    assert page.is_success
    assert "text/html" in page.headers["content-type"]
    assert processes_of(bundle)
    answer = command.interrupt()
    assert "stopping the cell" in answer.out
    assert "Traceback" not in answer.out + answer.err
    assert not processes_of(bundle)
