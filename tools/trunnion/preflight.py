"""What can be seen to be missing before the first stage has worked for minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime

from trunnion.pipeline import Run
from trunnion_contract.compliance import check_sources
from trunnion_contract.errors import BadInput
from trunnion_contract.usecase import TORCHVISION, DetectorTraining, UseCase

_YAML = (".yaml", ".yml")


def check(usecase: UseCase, where: str) -> None:
    """Raises BadInput for a base checkpoint, weights or a suite that a later stage would not find."""
    detector, suite = usecase.models.detector, usecase.prove.suite
    if detector:
        _check_base(usecase, detector, where)
    if suite and suite.endswith(_YAML) and not usecase.beside(suite).is_file():
        raise BadInput(
            where=f"{where}: prove.suite",
            got=f"{suite}, which does not exist",
            wanted="a suite beside the use case, or the name of a shipped one",
            next_step="correct the path",
        )


def check_data(run: Run, today: date | None = None) -> None:
    """Raises BadInput for data that the rules of the use case forbid, or that is kept for longer than it may be.

    A dataset that stands is looked at, too: no stage is done again only because a day has passed.
    """
    day = today or datetime.now(UTC).date()
    if run.usecase.data:
        check_sources(run.usecase.data, run.usecase.compliance, day)
    if (run.stage("data") / "inventory.json").is_file():
        from trunnion_training.retention import require_kept_in_time

        require_kept_in_time(run.stage("data"), day)


def _check_base(usecase: UseCase, detector: DetectorTraining, where: str) -> None:
    # A *.yaml without a folder is an architecture of ultralytics, trained from random weights.
    is_architecture = detector.base.endswith(_YAML) or detector.base.startswith(TORCHVISION)
    files = {"base": None if is_architecture else detector.base, "weights": detector.weights}
    for key, file in files.items():
        if file and not usecase.beside(file).is_file():
            raise BadInput(
                where=f"{where}: models.detector.{key}",
                got=f"{file}, which does not exist",
                wanted="a checkpoint (relative paths start at the use case's own folder)",
                next_step="make one with trunnion train base, or correct the path; nothing is downloaded",
            )
