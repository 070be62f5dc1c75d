"""`trunnion compare`: two versions side by side, for each class and scenario, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from trunnion.figures import recall_by_class, success_rows
from trunnion.registry.versions import CANDIDATE, CHAMPION, registry_of
from trunnion.tables import print_comparison
from trunnion_contract.bundle import Bundle, open_bundle
from trunnion_contract.errors import ExitCode
from trunnion_contract.proof import Rate

Row = tuple[str, str]
NOT_MEASURED = "not measured"


def compare(
    console: Console, name: str, runs: Path, first: str = CHAMPION, second: str = CANDIDATE
) -> ExitCode:
    """Print both; each is a number, an alias, or the file of a bundle.

    Raises:
        BadInput: one of them is unknown or no bundle.
        Broken: the registry cannot be reached.
    """
    bundles = [_bundle(name, runs, which) for which in (first, second)]
    rows = [dict(_rows(bundle)) for bundle in bundles]
    titles = [
        f"{which}: {of.manifest.version} ({of.digest[:12]})"
        for which, of in zip((first, second), bundles, strict=True)
    ]
    table = Table(name, *titles, title_justify="left")
    for what in dict.fromkeys((*rows[0], *rows[1])):
        table.add_row(what, *(row.get(what, NOT_MEASURED) for row in rows))
    console.print(table)
    compared = bundles[1].proof.comparison
    if compared and compared.model_digest == bundles[0].proof.model_digest:
        print_comparison(console, compared)
    return ExitCode.OK


def _bundle(name: str, runs: Path, which: str) -> Bundle:
    if Path(which).is_file():
        return open_bundle(Path(which))
    registry = registry_of(runs, name)
    return registry.bundle(registry.get(which))


def _rows(bundle: Bundle) -> Iterator[Row]:
    proof = bundle.proof
    labels = bundle.model.detector.spec.labels if bundle.model.detector else ()
    detectors = {"": proof.detector} | {f", {of.precision}": of.detector for of in proof.variants}
    for precision, detector in detectors.items():
        if detector:
            yield f"mAP50{precision}", f"{detector.map50:.3f} on {detector.images} images"
            yield f"mAP50-95{precision}", f"{detector.map50_95:.3f}"
            recalls = recall_by_class(detector, labels)
            for label in labels:
                if label in detector.map50_by_class:
                    yield f"{label}: AP50{precision}", f"{detector.map50_by_class[label]:.3f}"
                if label in recalls:
                    yield f"{label}: recall{precision}", _interval(recalls[label])
    for name, result in success_rows(proof).items():
        yield f"{name.replace('_', ' ')}: success", _interval(result.success)
        if result.median_time_s is not None:
            yield f"{name.replace('_', ' ')}: median time", f"{result.median_time_s:.2f} s"


def _interval(rate: Rate) -> str:
    return f"{rate.value:.3f} [{rate.lower:.3f}, {rate.upper:.3f}], {rate.successes} of {rate.trials}"
