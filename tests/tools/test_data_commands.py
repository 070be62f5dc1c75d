"""The commands about data beside building it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from tests.training.shapes import PROVENANCE, make_usecase, yolo_folder

from trunnion_training.retention import RECORD, check_record

LIMITED = {**PROVENANCE, "acquired": "2020-01-01", "retention_days": 10}


def test_the_command_lists_first_and_deletes_when_told(trunnion: Any, tmp_path: Path) -> None:
    document = make_usecase(yolo_folder(tmp_path / "source", 3)).model_dump(by_alias=True, mode="json")
    document["data"]["sources"][0]["provenance"] = LIMITED
    (tmp_path / "shapes.yaml").write_text(yaml.safe_dump(document))
    command = ("data", "expire", str(tmp_path / "shapes.yaml"), "--runs", str(tmp_path / "runs"))
    listed, deleted = trunnion(*command), trunnion(*command, "--delete")
    assert listed.returncode == deleted.returncode == 0, listed.stderr + deleted.stderr
    assert listed.stdout.count("would be deleted") == deleted.stdout.count("jpg: deleted") == 3
    assert check_record(tmp_path / "runs" / "shapes" / RECORD) == 1
    refused = trunnion("data", str(tmp_path / "shapes.yaml"), "--runs", str(tmp_path / "runs"))
    assert refused.returncode == 2
    assert "retention ended" in refused.stderr
