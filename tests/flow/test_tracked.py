"""The flow as a user runs it leaves its runs and the candidate in MLflow's file beside the runs."""

from __future__ import annotations

import sqlite3

from trunnion.record import read_record
from trunnion_contract.files import digest_file

STAGES = {"data", "train.detector", "train.policy", "train", "export", "prove", "pack"}


def test_every_stage_is_tracked_and_the_bundle_is_the_candidate(finished):
    with sqlite3.connect(finished.runs / "mlflow.db") as database:
        runs = dict(database.execute("SELECT name, status FROM runs").fetchall())
        tags = database.execute("SELECT key, value FROM tags").fetchall()
        version = dict(database.execute("SELECT key, value FROM model_version_tags").fetchall())
        (card,) = database.execute("SELECT description FROM model_versions").fetchone()
        alias = database.execute("SELECT name, alias FROM registered_model_aliases").fetchall()
    assert runs == dict.fromkeys(STAGES, "FINISHED")
    records = {stage: read_record(finished.folder / f"{stage}.json") for stage in STAGES}
    assert {("trunnion.stage_run", record.run_id) for record in records.values()} <= set(tags)
    assert alias == [("small_cell", "candidate")]
    assert version["bundle_sha256"] == digest_file(finished.bundle)
    assert "## Limits" in card
    assert f"- prove: {records['prove'].seconds:.0f} s" in card
    assert not list((finished.runs / ".tracking").glob("*/run.json"))
