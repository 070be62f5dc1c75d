"""Work that fans out over a cluster: the same bytes as on one process, whatever dies meanwhile."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.sim.proof_setting import Setting
from tests.training.cluster.simulated import NODES, KillingANode

from trunnion_contract.bundle import PROOF, REPORT
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.usecase import SimulationImages
from trunnion_contract.workers import available_cores, worker_pool
from trunnion_sim.journal import recorded
from trunnion_sim.prove import JOURNAL
from trunnion_sim.synth import SimulationSource

PROVENANCE = {"origin": "o", "licence": "MIT", "personal_data": "none"}


def process_of_worker(_: int) -> int:
    return os.getpid()


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    raise BadInput(where="a job", got="this", wanted="that", next_step="ask again")


@pytest.fixture
def by_value(on_cluster: Any) -> None:
    """Workers do not find the modules of tests."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.mark.usefixtures("by_value")
def test_workers_are_those_of_the_cluster_and_their_errors_arrive_as_they_were_raised() -> None:
    assert available_cores() == NODES
    with worker_pool(2, os.putenv, "PREPARED", "yes") as pool:
        assert os.getpid() not in set(pool.map(process_of_worker, range(4)))
        with pytest.raises(BadInput, match=r"a job: got this, wanted that\. Next: ask again"):
            pool.submit(refuse).result()
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result()
        with pytest.raises(Broken, match=r"processes that died 3 times over seed 7"):
            pool.submit(die, "seed 7").result()


def test_a_proof_is_the_same_on_a_cluster_that_loses_a_node_as_on_one_process(
    cluster: Any, tmp_path: Path, networks: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    setting, progress = Setting(tmp_path / "run", networks), KillingANode(cluster, after=2)
    setting.prove("alone", workers=1)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    setting.prove("cluster", workers=NODES, progress=progress)
    assert progress.killed
    assert progress.steps == sum(progress.totals)
    for file in (PROOF, REPORT):
        assert setting.read("cluster", file) == setting.read("alone", file)
    lines = setting.read("cluster", JOURNAL).splitlines()[1:]
    assert len(lines) == len(recorded(setting.folder / "cluster" / JOURNAL))


def test_pictures_are_the_same_on_a_cluster_that_loses_a_node_as_on_one_process(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SimulationImages.model_validate(
        {"kind": "simulation", "images": 12, "seed": 3, "provenance": PROVENANCE}
    )
    progress = KillingANode(cluster, after=2)
    SimulationSource(settings, workers=1).collect(tmp_path / "alone")
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    records = SimulationSource(settings, workers=NODES).collect(tmp_path / "cluster", progress)
    assert progress.killed
    assert [record.image.name for record in records] == [
        f"scene_{scene:06d}_{image}.jpg" for scene in range(6) for image in range(2)
    ]
    alone, cluster_ = (contents(tmp_path / name) for name in ("alone", "cluster"))
    assert alone == cluster_


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
