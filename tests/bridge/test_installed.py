"""Models that are installed, those that run, and files that are none."""

from __future__ import annotations

import os

import pytest
from tests.bridge.running import make_bundle, until

from trunnion_bridge import installed
from trunnion_bridge.installed import Shelf, active_model
from trunnion_contract.bundle import open_bundle


def test_the_configured_bundle_is_shown_with_its_proof(bridge, bundle):
    models = until(lambda: len((m := bridge.http.get("/v1/models").json())["active"]) == 2 and m)
    (model,) = models["installed"]
    assert (model["name"], model["version"], model["configured"]) == ("sorting_cell", "0.1.0", True)
    assert model["digest"] == open_bundle(bundle).digest
    assert model["proof"] == {
        "passed": True,
        "simulated": False,
        "gates": [{"name": "detector mAP50", "got": "0.95", "wanted": "at least 0.90", "passed": True}],
    }
    assert model["detector"]["labels"] == ["gear", "bolt", "nut"]
    assert bridge.http.get(f"/v1/models/{model['digest']}").json() == model
    assert bridge.http.get("/v1/models/none").status_code == 404


def test_nodes_say_what_they_run_which_need_not_be_what_the_bridge_was_started_on(bridge):
    models = until(lambda: len((m := bridge.http.get("/v1/models").json())["active"]) == 2 and m)
    active = {model["node"]: model for model in models["active"]}
    assert active["detector"]["digest"] == "ab" * 32
    assert (active["policy"]["name"], active["policy"]["digest"]) == ("other", "ab" * 6)
    assert models["installed"][0]["active"] is False
    assert bridge.http.get("/v1/models?active=true").json()["installed"] == []


@pytest.fixture
def shelf(tmp_path):
    bundle = make_bundle(tmp_path)
    return Shelf(bundle, open_bundle(bundle).digest)


def test_a_file_is_read_once_and_again_when_it_has_changed(shelf, tmp_path, monkeypatch):
    reads = []
    monkeypatch.setattr(installed, "open_bundle", lambda path: reads.append(path.name) or open_bundle(path))
    broken = tmp_path / "b.trunnion"
    broken.write_bytes(b"no bundle")
    for _ in range(2):
        models, unusable = shelf.look([])
        assert [model.configured for model in models] == [True]
        assert [(file.file, "no bundle" in file.message) for file in unusable] == [("b.trunnion", True)]
    assert sorted(reads) == ["b.trunnion", "sorting_cell-0.1.0.trunnion"]
    broken.write_bytes(b"other bytes")
    os.utime(broken, ns=(1, 1))
    shelf.look([])
    assert len(reads) == 3
    broken.unlink()
    assert shelf.look([])[1] == []


def test_the_bundle_that_a_node_names_is_active(shelf):
    (model,), _ = shelf.look([])
    runs = active_model("policy", {"model": f"sorting_cell 0.1.0 {model.digest[:12]}"})
    assert [found.active for found in shelf.look([runs])[0]] == [True]
    unknown = active_model("policy", {"model": "sorting_cell 0.1.0"})
    assert [found.active for found in shelf.look([unknown])[0]] == [False]


def test_a_node_that_names_no_model_runs_none():
    assert active_model("sorter", {"state": "active"}) is None
