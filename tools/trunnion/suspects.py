"""`trunnion data suspects`: labels that a detector disagrees with, ranked, drawn, and ready for verdicts."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from trunnion.feedback import IMAGES, VERDICTS
from trunnion.pipeline import Run
from trunnion.watchers import watching
from trunnion_contract.bundle import MODEL, open_bundle
from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import BadInput, ExitCode
from trunnion_contract.files import write_json, write_listing, write_text
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.progress import Progress
from trunnion_contract.strict import read_json
from trunnion_edge.exported import Reader, load_export

if TYPE_CHECKING:
    from trunnion_training.quality.suspects import Judged, Suspect

_LISTED_MAX = 20
# More than anybody looks through in one go; suspects.json holds all.
_VERDICTS_MAX = 200


@dataclass(frozen=True)
class _Judgement:
    """The images that were judged, by whom, and the score from which that detector is sure."""

    images: Sequence[Judged]
    judged_by: str
    sure: float


def find_suspects(
    console: Console, run: Run, model: Path | None, folds: int | None, out_dir: Path
) -> ExitCode:
    """Judge the labels of a run's dataset; write `suspects.json`, `suspects.html` and `verdicts.json`.

    Raises:
        BadInput: there is no dataset with labels or no model, or the model knows other classes.
    """
    from trunnion_training.quality.suspects import suspects
    from trunnion_training.quality.suspects_page import suspects_page

    dataset_dir = run.stage("data")
    dataset = _dataset(dataset_dir)
    with watching(console) as progress:
        judgement = _judge(run, dataset, model, folds, out_dir, progress)
    found = suspects(judgement.images, dataset.classes, judgement.sure)
    about = {
        "dataset": dataset.digest,
        "judged": len(judgement.images),
        "judged_by": judgement.judged_by,
        "counts": dict(sorted(Counter(one.kind for one in found).items())),
    }
    out_dir.mkdir(parents=True, exist_ok=True)
    write_listing(out_dir / "suspects.json", about, "suspects", (asdict(one) for one in found))
    _write_verdicts(found, out_dir, dataset_dir)
    html = suspects_page(dataset, found, dataset_dir, judgement.judged_by, len(judgement.images))
    write_text(out_dir / "suspects.html", html)
    _say(console, found, judgement, out_dir)
    return ExitCode.OK


def _dataset(dataset_dir: Path) -> Dataset:
    if not (dataset_dir / "dataset.json").is_file():
        raise BadInput(
            where=str(dataset_dir), got="no dataset", wanted="one", next_step="make it with trunnion data"
        )
    dataset = read_json(Dataset, dataset_dir / "dataset.json")
    if not any(count for boxes in dataset.boxes.values() for count in boxes.values()):
        raise BadInput(
            where=str(dataset_dir), got="a dataset without a single label", wanted="labels to judge",
            next_step="label its images first",
        )  # fmt: skip
    return dataset


def _judge(
    run: Run, dataset: Dataset, model: Path | None, folds: int | None, out_dir: Path, progress: Progress
) -> _Judgement:
    from trunnion_edge.labelled_images import labelled
    from trunnion_training.quality.suspects import Judged

    dataset_dir = run.stage("data")
    if folds is not None:
        from trunnion_training.quality.folds import seen_by_others
        from trunnion_training.vision.family import detector_settings

        sure = detector_settings(run.usecase).confidence_threshold
        pairs = dict(seen_by_others(run.usecase, dataset_dir, out_dir / "folds", folds, progress))
        judged_by = f"{folds} detectors, each of which learnt from images of other scenes (cross-validation)"
    else:
        from trunnion_training.quality.unseen import unseen

        manifest, read = _model(model or run.stage("export"))
        sure = _detector_of(manifest, dataset)
        to_judge = unseen(dataset_dir, dataset, manifest.dataset_digest, run.folder / "versions")
        judged_by = f"{manifest.name} {manifest.version}; {to_judge.known_by}"
        pairs = _seen(manifest, read, dataset_dir, to_judge.files, progress)
    truths = (truth for _, truth in labelled([dataset_dir / file for file in pairs]))
    images = [Judged(file, truth, seen) for (file, seen), truth in zip(pairs.items(), truths, strict=True)]
    return _Judgement(images, judged_by, sure)


def _seen(
    manifest: ModelManifest, read: Reader, dataset_dir: Path, files: Sequence[str], progress: Progress
) -> dict[str, Any]:
    from trunnion_edge.detector import Detector
    from trunnion_edge.labelled_images import labelled
    from trunnion_training.vision.evaluate import SCORE_MIN

    seen = {}
    with (
        Detector.from_model(manifest, read, confidence_threshold=SCORE_MIN) as detector,
        _bar(progress, len(files)),
    ):
        for file, (image, _) in zip(files, labelled([dataset_dir / file for file in files]), strict=True):
            seen[file] = detector.detect(image)
            progress.advance()
    return seen


@contextmanager
def _bar(progress: Progress, total: int) -> Iterator[None]:
    progress.start("looking at images that the model has not learnt from", total)
    yield
    progress.done()


def _model(path: Path) -> tuple[ModelManifest, Reader]:
    """The detector of a bundle, of an export or run folder, or of the export that an .onnx file lies in."""
    if path.is_file() and path.suffix != ".onnx":
        bundle = open_bundle(path)
        return bundle.model, bundle.read
    folder = path.parent if path.is_file() else path
    for place in (folder, folder / "export"):
        if (place / MODEL).is_file():
            return load_export(place)
    raise BadInput(
        where=str(path), got="no model", wanted=f"a bundle, or the folder of an export with {MODEL}",
        next_step="train and export one (trunnion run --until export), name one with --model, or use --folds 5",
    )  # fmt: skip


def _detector_of(manifest: ModelManifest, dataset: Dataset) -> float:
    """The score from which the detector is sure.

    Raises:
        BadInput: there is no detector, or it knows other classes.
    """
    labels = manifest.detector.spec.labels if manifest.detector else ()
    if manifest.detector is None or labels != dataset.classes:
        raise BadInput(
            where=f"{manifest.name} {manifest.version}",
            got=f"a detector of {', '.join(labels)}" if labels else "no detector",
            wanted=f"one of {', '.join(dataset.classes)}, as the dataset has them, in this order",
            next_step="name another with --model, or use --folds 5",
        )
    return manifest.detector.spec.confidence_threshold


def _write_verdicts(found: Sequence[Suspect], out_dir: Path, dataset_dir: Path) -> None:
    """Rows for `trunnion feedback`, which sets images aside until a person writes another verdict.

    The images lie below, because feedback takes no others; of one folder that is left from before nothing stays.
    """
    from trunnion_training.pictures import copy_bytes

    shutil.rmtree(out_dir / IMAGES, ignore_errors=True)
    (out_dir / IMAGES).mkdir(parents=True)
    rows = []
    for one in found[:_VERDICTS_MAX]:
        image = f"{IMAGES}/{Path(one.file).name}"
        copy_bytes(dataset_dir / one.file, out_dir / image)
        said = f" as {one.suggested} ({one.confidence:.2f})" if one.suggested else ""
        row = {"image": image, "verdict": "not_sure", "comment": f"{one.kind}{said}, {one.score:.2f}"}
        rows.append(row | ({"label": one.label, "box_px": one.box_px} if one.box_px else {}))
    write_json(out_dir / VERDICTS, rows)


def _say(console: Console, found: Sequence[Suspect], judgement: _Judgement, out_dir: Path) -> None:
    lines = [f"judged {len(judgement.images)} images by {judgement.judged_by}"]
    for one in found[:_LISTED_MAX]:
        what = f"{one.label or 'nothing'} -> {one.suggested or 'nothing'}"
        lines.append(f"  {one.score:.2f} {one.kind}: {what}, {one.file}")
    if len(found) > _LISTED_MAX:
        lines.append(f"  and {len(found) - _LISTED_MAX} more")
    lines.append(f"{len(found)} labels to look at: {out_dir / 'suspects.html'}")
    if found:
        lines.append(
            f"say what is right in {out_dir / VERDICTS} and give it to trunnion feedback; its source goes "
            "before the one that the images came from, because of the same picture the first stays"
        )
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
