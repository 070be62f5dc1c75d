"""Does a suite refuse what it should? `python -m trunnion.harm runs/sorting_cell --suite smoke --repeats 20`

Each repetition has episodes of its own, and proves three copies of a run's export in them: one whose detector's weights
were noised, one whose policy's were, and one that is as it was. The first two must be refused, the third must pass.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import numpy_helper

from trunnion.console import open_console
from trunnion.main import print_error
from trunnion.watchers import watching
from trunnion_contract.bundle import MODEL
from trunnion_contract.errors import BadInput, ExitCode, TrunnionError
from trunnion_contract.files import digest_bytes, digest_json, write_json
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.progress import Progress, Silent
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_sim.journal import Journal
from trunnion_sim.prove import Options, prove
from trunnion_sim.scenarios import Suite, load_suite

Harm = Literal["none", "detector", "policy"]
HARMS: tuple[Harm, ...] = ("none", "detector", "policy")
NOISE = 0.3


def noised(network: bytes, noise: float, seed: int) -> bytes:
    """An ONNX network with Gaussian noise on its weights.

    Args:
        noise: standard deviation of the noise, as a share of that of each weight tensor; biases stay as they are.
    """
    model, rng = onnx.load_model_from_string(network), np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.ndim >= 2 and weights.dtype == np.float32:
            off = rng.normal(0, noise * weights.std(), weights.shape).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(weights + off, tensor.name))
    return bytes(model.SerializeToString())


def harmed_export(
    export_dir: Path, out_dir: Path, harm: Harm, usecase: UseCase, noise: float, seed: int
) -> None:
    """Copy an export for `usecase`, harm one of its networks, and make the manifest agree with it."""
    shutil.copytree(export_dir, out_dir)
    model = read_json(ModelManifest, out_dir / MODEL)
    changes: dict[str, Any] = {"usecase_digest": usecase.digest()}
    network = {"none": None, "detector": model.detector, "policy": model.policy}[harm]
    if network:
        data = noised((export_dir / network.file).read_bytes(), noise, seed)
        (out_dir / network.file).write_bytes(data)
        changes[harm] = network.model_copy(update={"sha256": digest_bytes(data)})
    write_json(out_dir / MODEL, model.model_copy(update=changes).model_dump(mode="json", by_alias=True))


def measure(run_dir: Path, suite: str, repeats: int, noise: float, progress: Progress) -> dict[str, Any]:
    """Prove each copy `repeats` times; a call that was stopped goes on where it was.

    Returns:
        For each harm and repetition, such as "policy 3", the names of the gates that failed.

    Raises:
        BadInput: the run has no export with both models, or there is no such suite.
    """
    usecase = read_json(UseCase, run_dir / "usecase.json")
    asked = usecase.prove.model_copy(update={"suite": suite})
    loaded = load_suite(usecase.model_copy(update={"prove": asked}))
    model = read_json(ModelManifest, run_dir / "export" / MODEL)
    if not (model.detector and model.policy):
        raise BadInput(
            where=str(run_dir), got="one model", wanted="detector and policy", next_step="name another run"
        )
    inputs = digest_json([model.model_dump(mode="json"), loaded.model_dump(mode="json"), noise])
    jobs = [(harm, number) for number in range(repeats) for harm in HARMS]
    progress.start("proving harmed copies", len(jobs))
    with Journal(run_dir / "harm.jsonl", inputs) as journal:
        for harm, number in jobs:
            key = f"{harm} {number}"
            if key not in journal.results:
                journal.add(key, _failed_gates(run_dir, usecase, loaded, harm, noise, number))
            progress.advance(1, f"{harm} harmed: {', '.join(journal.results[key]) or 'passed'}")
        progress.done()
        return {f"{harm} {number}": journal.results[f"{harm} {number}"] for harm, number in jobs}


def _failed_gates(
    run_dir: Path, usecase: UseCase, suite: Suite, harm: Harm, noise: float, number: int
) -> list[str]:
    """One proof, in episodes that no other repetition has."""
    seed = usecase.prove.seed + number * usecase.prove.policy_episodes
    ours = usecase.model_copy(update={"prove": usecase.prove.model_copy(update={"seed": seed})})
    with tempfile.TemporaryDirectory(prefix="trunnion-harm-") as folder:
        export_dir, out_dir, file = Path(folder, "export"), Path(folder, "prove"), Path(folder, "suite.yaml")
        harmed_export(run_dir / "export", export_dir, harm, ours, noise, number)
        out_dir.mkdir()
        # JSON is YAML.
        write_json(file, _moved_on(suite, number).model_dump(mode="json", by_alias=True))
        options = Options(suite=str(file), sequential=True)
        proof = prove(ours, run_dir / "data", export_dir, out_dir, Silent(), options=options)
    return [gate.name for gate in proof.gates if not gate.passed]


def _moved_on(suite: Suite, number: int) -> Suite:
    scenarios = tuple(
        scenario.model_copy(update={"first_seed": scenario.first_seed + number * scenario.episodes})
        for scenario in suite.scenarios
    )
    return suite.model_copy(update={"scenarios": scenarios})


def main() -> int:
    """The command; returns 0 when every verdict was right, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m trunnion.harm", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="folder of the run, such as runs/sorting_cell")
    parser.add_argument("--suite", default="smoke", help="a shipped suite, or a file")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--noise", type=float, default=NOISE, help="share of a weight tensor's deviation")
    asked = parser.parse_args()
    try:
        with watching(open_console()) as progress:
            found = measure(asked.run_dir, asked.suite, asked.repeats, asked.noise, progress)
    except TrunnionError as error:
        print_error(error)
        return error.exit_code
    right = Counter(key.split()[0] for key, failed in found.items() if bool(failed) != key.startswith("none"))
    print(f"unharmed copies that passed: {right['none']} of {asked.repeats}")
    print(f"harmed detectors refused:    {right['detector']} of {asked.repeats}")
    print(f"harmed policies refused:     {right['policy']} of {asked.repeats}")
    return ExitCode.OK if right.total() == len(found) else ExitCode.GATES_FAILED


if __name__ == "__main__":
    sys.exit(main())
