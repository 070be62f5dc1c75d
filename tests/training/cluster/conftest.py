"""One simulated cluster for all tests of this folder: a head, and four machines with a core each, on this one."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.training.cluster.simulated import NODES


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Its nodes can be killed; `RAY_ADDRESS` is left to the tests."""
    if not os.environ.get("RAY_AUTH_TOKEN"):
        # For the rest of the process: Ray reads it once.
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    folder = Path("/tmp", f"trunnion-ray-{os.getpid()}-tests")
    shared = {"object_store_memory": 80 * 2**20, "include_dashboard": False, "temp_dir": str(folder)}
    # Ray's simulated cluster writes its address there, whatever its folder, and does not make it.
    Path("/tmp/ray").mkdir(exist_ok=True)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    made = started(Cluster, shared)
    made.shared = shared
    for _ in range(NODES):
        made.add_node(num_cpus=1, **shared)
    yield made
    made.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def started(kind: Any, shared: dict[str, Any], attempts: int = 3) -> Any:
    """A head; Ray gives its processes 15 seconds to load, which is not enough for them on a very busy machine."""
    for left in reversed(range(attempts)):
        try:
            return kind(initialize_head=True, head_node_args={"num_cpus": 0, **shared})
        except Exception:
            if not left:
                raise
    return None


@pytest.fixture
def on_cluster(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The cluster, named as a user names it."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    return cluster


@pytest.fixture(scope="session")
def networks() -> dict[str, bytes]:
    """What a proof in seconds proves."""
    from tests.sim import small_networks

    return small_networks.networks()
