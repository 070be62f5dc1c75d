"""What MLflow is told of a stage: from the use case, from the record, and from the files that the stage made."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from trunnion.checkout import ROOT
from trunnion.figures import figures_of
from trunnion.pipeline import Run
from trunnion.record import StageRecord
from trunnion_contract.bundle import PROOF
from trunnion_contract.files import digest_file, digest_json
from trunnion_contract.proof import Proof
from trunnion_contract.strict import read_json

Series = dict[str, tuple[float, ...]]

_ARTIFACTS = (".csv", ".html", ".json", ".jpg", ".md", ".png", ".trunnion", ".yaml")
# Pages about the quality of a dataset, and about how its images are changed for learning, hold pictures, too.
_WITHOUT_PICTURES = (".csv", ".json", ".yaml")
_SMALL_BYTES = 4 << 20
# MLflow's own limit is 6000.
_PARAM_CHARACTERS = 500
_HISTORY = "history"


def params_of(run: Run, stage: str) -> dict[str, str]:
    """The part of the use case that the stage is about, with dots between the keys."""
    usecase, kind = run.usecase, stage.partition(".")[0]
    sections: dict[str, Any] = {
        "data": usecase.data,
        "train.detector": usecase.models.detector,
        "train.policy": usecase.models.policy,
        "export": usecase.export,
        "prove": usecase.prove,
    }
    section = sections.get(stage) or sections.get(kind)
    plain = section.model_dump(mode="json") if section else {}
    flat = dict(_flat({"version": usecase.version, "classes": list(usecase.classes), **plain}))
    return {name: str(value)[:_PARAM_CHARACTERS] for name, value in flat.items() if value is not None}


def metrics_of(run: Run, record: StageRecord) -> tuple[dict[str, float], Series]:
    """Numbers in the documents of the stage: single ones, and those by epoch."""
    stage, folder = record.stage, run.stage(record.stage)
    metrics, series = {"seconds": record.seconds, "files": float(len(record.outputs))}, Series()
    if record.energy_j is not None:
        metrics["energy_j"] = record.energy_j
    if stage.partition(".")[0] == "prove":
        return metrics | figures_of(read_json(Proof, folder / PROOF), run.usecase.classes), series
    for document in sorted(folder.glob("*.json")):
        if stage == "data" and document.name != "dataset.json":
            continue
        value = json.loads(document.read_bytes())
        history = value.pop(_HISTORY, None) if isinstance(value, dict) else None
        metrics |= {name: float(number) for name, number in _flat(value) if _is_number(number)}
        series |= _series(history)
    return metrics, series


def artifacts_of(run: Run, stage: str) -> list[Path]:
    """The documents and pictures at the top of the stage's folder that are small, and the bundle.

    Pictures of data that names people, or that may be kept for a time only, stay here: nothing would delete them there.
    """
    has_pictures = stage.partition(".")[0] in ("data", "train")
    kinds = _WITHOUT_PICTURES if has_pictures and not _may_be_shown(run) else _ARTIFACTS
    files = [path for path in sorted(run.stage(stage).glob("*")) if path.suffix in kinds and path.is_file()]
    return [path for path in files if path.suffix == ".trunnion" or path.stat().st_size <= _SMALL_BYTES]


def _may_be_shown(run: Run) -> bool:
    sources = run.usecase.data.sources if run.usecase.data else ()
    return not any(
        source.metadata or source.provenance.personal_data != "none" or source.provenance.retention_days
        for source in sources
    )


def lineage_of(run: Run, attempt: StageRecord) -> dict[str, str]:
    """Whence it comes: dataset, code, packages, use case."""
    tags = {
        "trunnion.stage": attempt.stage,
        "trunnion.stage_run": attempt.run_id,
        "trunnion.usecase_version": run.usecase.version,
        "trunnion.usecase_digest": run.usecase.digest(),
        "trunnion.inputs_digest": digest_json(attempt.inputs),
        "trunnion.commit": _commit(),
        "trunnion.lock_digest": _lock_digest(),
        "mlflow.source.name": f"trunnion {attempt.stage}",
        "mlflow.source.git.commit": _commit().partition(" ")[0],
    }
    if attempt.outputs:
        tags["trunnion.outputs_digest"] = attempt.digest()
    with suppress(OSError, ValueError, KeyError):
        dataset = json.loads(run.stage("data").joinpath("dataset.json").read_bytes())
        tags["trunnion.dataset_digest"] = dataset["digest"]
    return tags


@cache
def _commit() -> str:
    """The commit of the checkout, and whether somebody changed it since; unknown outside of one."""
    try:
        head, changed = (_git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{head} and changes" if changed else head


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()


@cache
def _lock_digest() -> str:
    try:
        return digest_file(ROOT / "requirements" / "lock.txt")
    except OSError:
        return "unknown"


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Names with dots, and what stands there; a list of plain values stays together."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _flat(item, f"{name}.{index}")
    else:
        yield name, value


def _is_number(value: Any) -> bool:
    """Whether MLflow can draw it; JSON has no name for what is not finite, and the journal refuses it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _series(history: Any) -> Series:
    if not isinstance(history, dict):
        return Series()
    lists = {name: values for name, values in history.items() if isinstance(values, list)}
    return {name: tuple(map(float, values)) for name, values in lists.items() if all(map(_is_number, values))}
