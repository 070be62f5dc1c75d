"""Fine-tuning in two ways, by turns: the same photographs, base, epochs, batches and seeds.

`python -m trunnion.bench.finetune USECASE FOLDER [--set NAME=VALUE]... [--seeds 3] [--ways ours direct]` builds the
dataset in FOLDER, trains each seed in both ways, each in a process of its own, and judges both on the same test images.
What is done is kept there: the same command goes on where it was stopped. Ways are `ours`, as `trunnion train` does it,
`direct`, by calling ultralytics, and `together`, as ours on two workers with a core each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trunnion.bench.measure import Row, spread
from trunnion.loading import load_with_values
from trunnion_contract.errors import BadInput, TrunnionError
from trunnion_contract.files import write_json
from trunnion_contract.progress import Silent
from trunnion_contract.strict import Strict, read_json
from trunnion_contract.usecase import UseCase, Workers

_DATA, _METRICS = "data", "detector_metrics.json"


class Trained(Strict):
    """What one training came to: seconds on the clock and of all cores, and accuracy on the test split.

    Those of cores are the process's own, and so say nothing of several workers.
    """

    seconds: float
    core_seconds: float
    map50: float
    map50_95: float


def ours(usecase: UseCase, folder: Path) -> None:
    """As `trunnion train` does it."""
    from trunnion_training.vision.families import family_of

    family_of(usecase).train(usecase, folder.parent / _DATA, folder / "work", folder / "best.pt", Silent())


def direct(usecase: UseCase, folder: Path) -> None:
    """As ultralytics' own documentation does it, its augmentation and its optimiser included."""
    from trunnion_training.vision.ultralytics_family import starting_point
    from trunnion_training.vision.ultralytics_setup import load_ultralytics

    settings = usecase.models.detector
    assert settings
    model = load_ultralytics().YOLO(str(starting_point(usecase)))
    model.train(
        data=str(folder.parent / _DATA / "data.yaml"), epochs=settings.epochs, batch=settings.batch,
        imgsz=settings.image_size_px, seed=settings.seed, device="cpu", workers=0, plots=False, verbose=False,
        project=str(folder), name="ultralytics", exist_ok=True,
    )  # fmt: skip
    (folder / "ultralytics" / "weights" / "best.pt").rename(folder / "best.pt")


def together(usecase: UseCase, folder: Path) -> None:
    """As `trunnion train` does it where two workers share each batch."""
    ours(_with(usecase, workers=Workers(count=2)), folder)


WAYS: dict[str, Callable[[UseCase, Path], None]] = {"ours": ours, "direct": direct, "together": together}


def compare(
    usecase_file: Path,
    folder: Path,
    values: list[str],
    seeds: int,
    ways: tuple[str, str] = ("ours", "direct"),
) -> list[Row]:
    """Train each seed in both ways, the first of which changes from seed to seed.

    Raises:
        BadInput: the use case has no detector of ultralytics that learns in one process.
    """
    from trunnion_training.dataset import build

    usecase = load_with_values(usecase_file, values)
    detector = usecase.models.detector
    if detector is None or not detector.epochs or detector.base.startswith("torchvision:"):
        raise BadInput(
            where=str(usecase_file), got="no detector of ultralytics that learns", wanted="one to compare",
            next_step="training/usecases/raccoon.yaml has one",
        )  # fmt: skip
    if not (folder / _DATA / "dataset.json").is_file():
        build(usecase, folder / _DATA, Silent())
    found: dict[str, list[Trained]] = {way: [] for way in ways}
    for seed in range(seeds):
        for way in ways if seed % 2 else reversed(ways):
            found[way].append(_trained(way, seed, usecase_file, folder, values))
            print(f"seed {seed}, {way}: {found[way][-1]}", flush=True)
    return rows_of(found, f"{' over '.join(ways)}, {detector.epochs} epochs")


def rows_of(found: dict[str, list[Trained]], against: str) -> list[Row]:
    """Time of the first way over that of the second, seed by seed; the accuracy of each."""
    first, second = found
    pairs = list(zip(found[first], found[second], strict=True))
    series = {("finetune.wall_ratio", "ratio"): [a.seconds / b.seconds for a, b in pairs]}
    if "together" not in found:
        series["finetune.core_ratio", "ratio"] = [a.core_seconds / b.core_seconds for a, b in pairs]
    for way, trained in found.items():
        series[f"finetune.{way}.map50", ""] = [one.map50 for one in trained]
        series[f"finetune.{way}.map50_95", ""] = [one.map50_95 for one in trained]
    return [
        Row(name, round(statistics.median(values), 4), unit, against, len(values), round(spread(values), 4))
        for (name, unit), values in series.items()
    ]


def _trained(way: str, seed: int, usecase_file: Path, folder: Path, values: list[str]) -> Trained:
    """Done in a process of its own, or read where it was done before."""
    place = folder / f"{way}-{seed}"
    kept = place / "trained.json"
    if not kept.is_file():
        place.mkdir(parents=True, exist_ok=True)
        words = [str(usecase_file), str(place), f"--one={way}", f"--seed={seed}"]
        command = [sys.executable, "-m", "trunnion.bench.finetune", *words]
        subprocess.run([*command, *(f"--set={value}" for value in values)], check=True)
    return read_json(Trained, kept)


def _train_one(way: str, usecase_file: Path, place: Path, values: list[str], seed: int) -> None:
    usecase = _with(load_with_values(usecase_file, values), seed=seed)
    began_s, began_core_s = time.perf_counter(), time.process_time()
    WAYS[way](usecase, place)
    seconds, core_seconds = time.perf_counter() - began_s, time.process_time() - began_core_s
    from trunnion_training.vision.finetune import fine_tune

    # Both are judged alike: as a checkpoint that is taken as it is.
    judged = _with(usecase, base=str((place / "best.pt").resolve()), epochs=0)
    fine_tune(judged, place.parent / _DATA, place / "judged", Silent())
    test = json.loads((place / "judged" / _METRICS).read_text())["test"]
    kept = Trained(seconds=seconds, core_seconds=core_seconds, map50=test["map50"], map50_95=test["map50_95"])
    write_json(place / "trained.json", kept.model_dump())


def _with(usecase: UseCase, **changes: object) -> UseCase:
    assert usecase.models.detector
    detector = usecase.models.detector.model_copy(update=changes)
    return usecase.model_copy(update={"models": usecase.models.model_copy(update={"detector": detector})})


def main() -> int:
    """Returns the exit code."""
    given = _given()
    try:
        if given.one:
            _train_one(given.one, given.usecase, given.folder, given.set, given.seed)
            return 0
        rows = compare(given.usecase, given.folder, given.set, given.seeds, tuple(given.ways))
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from here ({given.folder})", file=sys.stderr)
        return 130
    except TrunnionError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    write_json(given.folder / "rows.json", [row.to_json() for row in rows])
    for row in rows:
        print(f"{row.name:28} {row.value:g} {row.unit} (spread {row.spread:g}, {row.n} seeds)")
    return 0


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="finetune", description=__doc__)
    parser.add_argument("usecase", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ways", nargs=2, choices=WAYS, default=("ours", "direct"))
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
