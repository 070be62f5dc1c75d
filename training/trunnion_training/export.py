"""Export: trained networks become ONNX files with a manifest that says what they are and how near they came."""

from __future__ import annotations

import shutil
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime

from trunnion_contract.bundle import MODEL
from trunnion_contract.dataset import Dataset
from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.files import digest_file, write_json
from trunnion_contract.manifest import (
    LEARNING_CURVES,
    DetectorModel,
    ModelFile,
    ModelManifest,
    PolicyModel,
)
from trunnion_contract.progress import Progress
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase
from trunnion_edge.backends import EngineSettings, open_engine
from trunnion_training.parity import detector_parity
from trunnion_training.policy.clone import HELD_OUT, HELD_OUT_IMAGES
from trunnion_training.policy.environment import open_environment, task_of
from trunnion_training.policy.exportable import load_policy
from trunnion_training.policy_parity import episode_parity, policy_parity
from trunnion_training.precision.variants import add_variants, require_accuracy
from trunnion_training.vision.families import family_of_checkpoint
from trunnion_training.vision.family import DetectorForm, Family
from trunnion_training.vision.finetune import CHECKPOINT as DETECTOR
from trunnion_training.vision.onnx_export import export_onnx
from trunnion_training.vision.torch_engine import TorchEngine

DETECTOR_ONNX, POLICY_ONNX = "detector.onnx", "policy.onnx"
_PACKAGES = ("torch", "onnx", "onnxslim")


def export(
    usecase: UseCase, dataset_dir: Path, train_dir: Path, out_dir: Path, progress: Progress
) -> ModelManifest:
    """Export every model of the use case, measure parity, and write `model.json`, learning curves beside it.

    Raises:
        BadInput: a trained model is missing.
        GatesFailed: ONNX is further from torch than `export.parity` allows, or a network of less precision loses more
            than `export.map_drop_max_points`. Files and measurements stay to look at.
    """
    family = family_of_checkpoint(_trained(train_dir / DETECTOR)) if usecase.models.detector else None
    detector = (
        _export_detector(usecase, family, dataset_dir, train_dir / DETECTOR, out_dir, progress)
        if family
        else None
    )
    policy = _export_policy(usecase, train_dir, out_dir, progress) if usecase.models.policy else None
    _copy_curves(train_dir, out_dir)
    record = dataset_dir / "dataset.json"
    manifest = ModelManifest(
        schema=1,
        name=usecase.name,
        version=usecase.version,
        problem=usecase.problem,
        usecase_digest=usecase.digest(),
        dataset_digest=read_json(Dataset, record).digest if detector else None,
        detector=detector,
        policy=policy,
        cell=usecase.cell,
        made_with=_made_with(family) | _quantised_with(detector),
        licences=_licences(usecase, family),
    )
    write_json(out_dir / MODEL, manifest.model_dump(mode="json", by_alias=True))
    _require_parity(manifest, out_dir)
    _require_same_episodes(manifest, out_dir)
    if manifest.detector:
        require_accuracy(manifest.detector, out_dir / MODEL)
    return manifest


def _export_detector(
    usecase: UseCase, family: Family, dataset_dir: Path, checkpoint: Path, out_dir: Path, progress: Progress
) -> DetectorModel:
    form, target = DetectorForm.of(usecase), out_dir / DETECTOR_ONNX
    progress.start("exporting the detector", 1)
    export_onnx(family.load(checkpoint, form, merged=True), target, usecase.export.opset)
    progress.advance()
    progress.done()
    trained = family.load(checkpoint, form)
    spec = trained.spec
    with open_engine(target, EngineSettings(device="cpu")) as engine:
        parity = detector_parity(
            TorchEngine(trained), engine, spec, dataset_dir, usecase.export.parity, progress
        )
    model = DetectorModel(file=target.name, sha256=digest_file(target), parity=(parity,), spec=spec)
    if len(usecase.export.precisions) == 1:
        return model
    return add_variants(model, usecase.export, dataset_dir, out_dir, progress)


def _export_policy(usecase: UseCase, train_dir: Path, out_dir: Path, progress: Progress) -> PolicyModel:
    policy, target = load_policy(train_dir), out_dir / POLICY_ONNX
    held_out = np.load(_trained(train_dir / HELD_OUT), allow_pickle=False)
    seen = np.load(_trained(train_dir / HELD_OUT_IMAGES), allow_pickle=False) if policy.spec.image else None
    limits = usecase.export.parity
    progress.start("exporting the policy", 2)
    policy.export_onnx(target, usecase.export.opset)
    progress.advance(note=f"{limits.episodes} episodes in torch and in ONNX")
    task = task_of(usecase)
    env = open_environment(task)
    with closing(env), open_engine(target, EngineSettings(device="cpu", threads=1)) as engine:
        parity = policy_parity(policy, engine, held_out, limits, seen)
        episodes = episode_parity(env, policy, engine, limits)
    progress.advance()
    progress.done()
    return PolicyModel(
        file=target.name,
        sha256=digest_file(target),
        parity=(parity,),
        spec=policy.spec,
        episodes=episodes,
        env_options=dict(task.options),
    )


def _copy_curves(train_dir: Path, out_dir: Path) -> None:
    """For the report of the proof: pictures, and no part of what is shipped."""
    for file in LEARNING_CURVES.values():
        if (train_dir / file).is_file():
            shutil.copyfile(train_dir / file, out_dir / file)


def _made_with(family: Family | None) -> dict[str, str]:
    return {name: version(name) for name in (*_PACKAGES, *(family.packages if family else ()))}


def _quantised_with(detector: DetectorModel | None) -> dict[str, str]:
    return {"onnxruntime": onnxruntime.__version__} if detector and detector.variants else {}


def _trained(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(
            where=str(path),
            got="no such file",
            wanted="what training wrote",
            next_step="run trunnion train first",
        )
    return path


def _licences(usecase: UseCase, family: Family | None) -> dict[str, str]:
    """What the files may be used under; ultralytics' licence reaches the networks that it defines and trains."""
    licences = {"detector": family.licence} if family else {}
    if usecase.models.detector and (weights := usecase.models.detector.weights):
        licences["weights that the detector started from"] = f"as {weights.name} came with"
    licences |= {"policy": "Apache-2.0"} if usecase.models.policy else {}
    sources = usecase.data.sources if usecase.data else ()
    return licences | {f"data {index} ({s.kind})": s.provenance.licence for index, s in enumerate(sources)}


def _require_parity(manifest: ModelManifest, out_dir: Path) -> None:
    models: list[ModelFile] = [model for model in (manifest.detector, manifest.policy) if model]
    failed = [(model.file, parity) for model in models for parity in model.parity if not parity.passed]
    if failed:
        raise GatesFailed(
            where=str(out_dir / MODEL),
            got="; ".join(
                f"{file}: |Δ| {parity.absolute:.3g}, ΔmAP50 {parity.map50_difference or 0:.3g}"
                for file, parity in failed
            ),
            wanted="; ".join(
                f"{file}: |Δ| ≤ {parity.absolute_max:.3g}"
                + (f", ΔmAP50 ≤ {parity.map50_difference_max:.3g}" if parity.map50_difference_max else "")
                for file, parity in failed
            ),
            next_step="compare the two networks on the images that differ, or set export.parity for this use case",
        )


def _require_same_episodes(manifest: ModelManifest, out_dir: Path) -> None:
    episodes = manifest.policy.episodes if manifest.policy else None
    if episodes and not episodes.passed:
        raise GatesFailed(
            where=str(out_dir / MODEL),
            got=f"{episodes.differing} of {episodes.episodes} episodes that end otherwise in ONNX than in torch "
            f"({episodes.onnx_successes} and {episodes.torch_successes} successes)",
            wanted=f"{episodes.differing_max} at most",
            next_step="compare the two policies on those episodes, or set export.parity.episodes_differing_max",
        )
