"""Cross-validation: each image is seen by a detector that learnt from images of other scenes only."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes, digest_json, whole_folder, write_json, write_text
from trunnion_contract.progress import Progress
from trunnion_contract.strict import json_value, read_file, read_json
from trunnion_contract.usecase import UseCase
from trunnion_edge.decode import Detections
from trunnion_training.pictures import copy_bytes
from trunnion_training.quality.unseen import listed_files
from trunnion_training.split import SPLITS
from trunnion_training.vision.evaluate import detect_all
from trunnion_training.vision.families import family_of
from trunnion_training.vision.family import DetectorForm, detector_settings
from trunnion_training.vision.torch_engine import TorchEngine

# One fold is judged, one chooses the best epoch, the others are learnt from.
FOLDS_MIN = 3
_SEEN = "seen.json"


def seen_by_others(
    usecase: UseCase, dataset_dir: Path, work_dir: Path, folds: int, progress: Progress
) -> Iterator[tuple[str, Detections]]:
    """Each image of the dataset, and what a detector sees in it that did not learn from it.

    `work_dir` keeps finished folds; a call that was stopped goes on after the last whole epoch.

    Raises:
        BadInput: there are fewer scenes than folds, or the dataset does not say what its scenes are.
    """
    dataset = read_json(Dataset, dataset_dir / "dataset.json")
    of_file = assign_folds(listed_files(dataset_dir), folds, str(dataset_dir))
    asked = digest_json([dataset.digest, detector_settings(usecase).model_dump(mode="json"), folds])[:16]
    for fold in range(folds):
        folder = work_dir / f"{asked}-{fold}"
        if not (folder / _SEEN).is_file():
            _learn_and_look(usecase, dataset_dir, dataset, of_file, fold, folds, folder, progress)
        kept = json_value(read_file(folder / _SEEN), str(folder / _SEEN))
        for file in (file for file, its in of_file.items() if its == fold):
            yield file, _detections(kept[file])


def assign_folds(rows: Sequence[Mapping[str, Any]], folds: int, where: str) -> dict[str, int]:
    """The fold of each file; scenes stay whole, the largest is dealt out first."""
    scenes: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if "scene" not in row:
            raise BadInput(
                where=where, got="an inventory without scenes", wanted="the scene of each image",
                next_step="make the dataset again (trunnion data)",
            )  # fmt: skip
        scenes[row["scene"]].append(row["file"])
    if not FOLDS_MIN <= folds <= len(scenes):
        raise BadInput(
            where="--folds", got=f"{folds}, and {len(scenes)} scenes", wanted=f"{FOLDS_MIN} to as many as scenes",
            next_step="choose another number, or judge by a model with --model",
        )  # fmt: skip
    sizes, of_file = [0] * folds, {}
    for scene in sorted(scenes, key=lambda name: (-len(scenes[name]), digest_bytes(name.encode()))):
        fold = sizes.index(min(sizes))
        sizes[fold] += len(scenes[scene])
        of_file |= dict.fromkeys(scenes[scene], fold)
    return of_file


def _learn_and_look(
    usecase: UseCase, dataset_dir: Path, dataset: Dataset, of_file: Mapping[str, int], fold: int, folds: int,
    folder: Path, progress: Progress,
) -> None:  # fmt: skip
    with whole_folder(folder) as work:
        data = work / "data"
        if not (data / "dataset.json").is_file():
            _copy_fold(dataset_dir, dataset, of_file, fold, folds, data)
        family = family_of(usecase)
        family.train(usecase, data, work / ".detector", work / "detector.pt", progress)
        trained = family.load(work / "detector.pt", DetectorForm.of(usecase))
        files = [file for file, its in of_file.items() if its == fold]
        seen, _ = detect_all(
            TorchEngine(trained), trained.spec, [dataset_dir / file for file in files], progress
        )
        write_json(work / _SEEN, {file: _plain(one) for file, one in zip(files, seen, strict=True)})
        shutil.rmtree(data)
        shutil.rmtree(work / ".detector", ignore_errors=True)


def _copy_fold(
    dataset_dir: Path, dataset: Dataset, of_file: Mapping[str, int], fold: int, folds: int, target: Path
) -> None:
    """A dataset without the images of `fold`; copies, because trainers mend pictures where they find them."""
    shutil.rmtree(target, ignore_errors=True)
    kept = {
        file: "val" if its == (fold + 1) % folds else "train" for file, its in of_file.items() if its != fold
    }
    for split in SPLITS:
        for kind in ("images", "labels"):
            (target / kind / split).mkdir(parents=True, exist_ok=True)
    for file, split in kept.items():
        _, before, name = file.split("/")
        label = f"{Path(name).stem}.txt"
        copy_bytes(dataset_dir / file, target / "images" / split / name)
        copy_bytes(dataset_dir / "labels" / before / label, target / "labels" / split / label)
    names = {"names": dict(enumerate(dataset.classes))}
    description = {split: f"images/{split}" for split in SPLITS} | names
    write_text(target / "data.yaml", yaml.safe_dump(description, sort_keys=False))
    counts = {split: sum(its == split for its in kept.values()) for split in SPLITS}
    part = dataset.model_copy(update={"images": counts, "digest": digest_json([dataset.digest, fold, folds])})
    write_json(target / "dataset.json", part.model_dump(mode="json"))


def _plain(seen: Detections) -> list[list[float]]:
    rows = np.column_stack([seen.boxes_px, seen.scores, seen.class_ids])
    return [[round(value, 4) for value in row] for row in rows.tolist()]


def _detections(rows: Sequence[Sequence[float]]) -> Detections:
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))
