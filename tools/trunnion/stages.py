"""The stages of the flow, in order: what each depends on, and what does its work.

Work is imported when it is done: torch and the simulator take seconds to load.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from trunnion.code_digest import OWN_PACKAGES, code_digest, foreign_code_digest
from trunnion.pipeline import Digests, Run, Stage
from trunnion.record import read_record
from trunnion_contract.files import digest_file, digest_json
from trunnion_contract.progress import Progress
from trunnion_contract.usecase import UseCase

_LEARNING = ("numpy", "opencv-python", "torch", "torchvision", "ultralytics")
_READING = ("fsspec", "imagehash", "numpy", "opencv-python", "pillow", "rosbags", "sqlalchemy")
_SIMULATING = ("gymnasium", "numpy", "opencv-python", "pybullet")
_EXPORTING = (*_LEARNING, "onnx", "onnxruntime-gpu", "onnxslim")
_BUILDING = ("numpy", "onnxruntime-gpu")
_PROVING = (*_SIMULATING, "av", "jinja2", "matplotlib", "onnxruntime-gpu")


def bundle_file(run: Run) -> Path:
    """Where the bundle of a run stands once it is packed."""
    return run.stage("pack") / f"{run.usecase.name}-{run.usecase.version}.trunnion"


def _build_dataset(run: Run, out_dir: Path, progress: Progress) -> None:
    from trunnion_training.dataset import build
    from trunnion_training.inspection_cache import cache_file
    from trunnion_training.versions import keep

    build(run.usecase, out_dir, progress, cache_file=cache_file(run.folder))
    keep(out_dir, run.folder / "versions")


def _fine_tune(run: Run, out_dir: Path, progress: Progress) -> None:
    from trunnion_training.vision.finetune import fine_tune

    fine_tune(run.usecase, run.stage("data"), out_dir, progress)


def _learn_policy(run: Run, out_dir: Path, progress: Progress) -> None:
    from trunnion_training.policy.methods import train_policy

    train_policy(run.usecase, out_dir, progress)


def _gather(run: Run, out_dir: Path, progress: Progress) -> None:
    """The two models learn apart, so that a change to one leaves the other standing; export reads them together."""
    for stage in ("train.detector", "train.policy"):
        if run.stage(stage).exists():
            shutil.copytree(run.stage(stage), out_dir, dirs_exist_ok=True)


def _export(run: Run, out_dir: Path, progress: Progress) -> None:
    from trunnion_training.export import export

    export(run.usecase, run.stage("data"), run.stage("train"), out_dir, progress)


def _attach(run: Run, out_dir: Path, progress: Progress) -> None:
    from trunnion.engines import attach_engines

    attach_engines(run.stage("export"), out_dir, progress)


def _prove(run: Run, out_dir: Path, progress: Progress) -> None:
    from trunnion_sim.prove import prove

    prove(run.usecase, run.stage("data"), run.stage("export"), out_dir, progress)


def _pack(run: Run, out_dir: Path, progress: Progress) -> None:
    from trunnion.model_card import model_card
    from trunnion_contract.bundle import pack

    progress.start("packing the bundle", 1)
    data, export, prove = (run.stage(name) for name in ("data", "export", "prove"))
    engine_dir = attached_engines(run)
    card = model_card(run.usecase, data, export, prove, engine_dir)
    pack(export, prove, out_dir / bundle_file(run).name, card, engine_dir)
    progress.advance()
    progress.done()


def attached_engines(run: Run) -> Path | None:
    """Where the engines of what is exported now are; those of an export of before are left out."""
    engine, export = (read_record(run.record(name)) for name in ("engine", "export"))
    is_of_export = engine and export and engine.inputs.get("export") == export.digest()
    return run.stage("engine") if is_of_export else None


def _data_inputs(usecase: UseCase) -> Digests:
    from trunnion_training.source_digests import source_digests, source_modules

    inputs = {
        "use case: data": digest_json([usecase.name, usecase.classes, _plain(usecase.data)]),
        **source_digests(usecase),
    }
    modules = ("trunnion_training.dataset", *source_modules(usecase))
    if not any(source.kind == "simulation" for source in (usecase.data.sources if usecase.data else ())):
        return inputs | _code(modules, _READING)
    return inputs | {"use case: cell": digest_json(_plain(usecase.cell))} | _code(modules, _SIMULATING)


def _detector_inputs(usecase: UseCase) -> Digests:
    detector = usecase.models.detector
    assert detector is not None
    files = [usecase.beside(path) for path in (detector.base, detector.weights) if path]
    return {
        "use case: models.detector": digest_json([usecase.classes, _plain(detector)]),
        "base checkpoint": digest_json([digest_file(file) for file in files if file.is_file()]),
        **_code(("trunnion_training.vision.finetune",), _LEARNING),
    }


def _policy_inputs(usecase: UseCase) -> Digests:
    policy = usecase.models.policy
    assert policy is not None
    recording = usecase.beside(policy.recording) if policy.recording else None
    # What is assessed while it learns may end by the gates.
    gates = {"use case: prove.gates": digest_json(_plain(usecase.prove.gates))} if policy.assessed else {}
    # By which the best of several seeds is chosen.
    chosen = {"use case: prove.policy_episodes": str(usecase.prove.policy_episodes)} if policy.seeds else {}
    return {
        "use case: models.policy": digest_json([_plain(policy), usecase.classes, _plain(usecase.cell)]),
        **gates,
        **chosen,
        **({"recording": digest_file(recording)} if recording and recording.is_file() else {}),
        **_code(
            ("trunnion_training.policy.methods", *_environment_packages(usecase)),
            ("torch", "stable-baselines3", *_SIMULATING),
        ),
        **_environment_code(usecase),
    }


def _export_inputs(usecase: UseCase) -> Digests:
    # The environment too, because policies play episodes in it to be compared.
    modules = ("trunnion_training.export", *_environment_packages(usecase))
    packages = (*_EXPORTING, *_SIMULATING) if usecase.models.policy else _EXPORTING
    return {"use case": usecase.digest(), **_code(modules, packages), **_environment_code(usecase)}


def _engine_inputs(usecase: UseCase) -> Digests:
    from trunnion.engines import device_digest

    modules = ("trunnion_edge.precision", "trunnion_edge.backends.tensorrt")
    return {"this device": device_digest(), **_code(modules, _BUILDING)}


def _prove_inputs(usecase: UseCase) -> Digests:
    suite = usecase.beside(usecase.prove.suite) if usecase.prove.suite else None
    return {
        "use case": usecase.digest(),
        **({"suite": digest_file(suite)} if suite and suite.is_file() else {}),
        **_code(("trunnion_sim.prove", *_environment_packages(usecase)), _PROVING),
        **_environment_code(usecase),
    }


def _pack_inputs(usecase: UseCase) -> Digests:
    ours = [digest_file(Path(__file__).with_name(name)) for name in ("model_card.py", "figures.py")]
    code = [code_digest("trunnion_contract.bundle"), *ours]
    return {"use case": usecase.digest(), "code": digest_json(code)}


def _environment_packages(usecase: UseCase) -> tuple[str, ...]:
    """The package that registers the environment which the policy learns in and is examined in."""
    package = usecase.models.policy.registering_package() if usecase.models.policy else None
    return (package,) if package else ()


def _environment_code(usecase: UseCase) -> Digests:
    return {
        f"code of {package}": foreign_code_digest(package)
        for package in _environment_packages(usecase)
        if package.partition(".")[0] not in OWN_PACKAGES
    }


def _plain(section: Any) -> Any:
    return None if section is None else section.model_dump(mode="json")


def _code(modules: tuple[str, ...], packages: tuple[str, ...]) -> Digests:
    versions = {package: _version(package) for package in packages} | {"python": sys.version.split()[0]}
    return {"code": code_digest(*modules), "packages": digest_json(versions)}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _has_data(usecase: UseCase) -> bool:
    return usecase.data is not None


def _has_model(kind: str, usecase: UseCase) -> bool:
    return getattr(usecase.models, kind) is not None


def _always(usecase: UseCase) -> bool:
    return True


def _nothing_else(usecase: UseCase) -> Digests:
    return {}


PROVE = Stage("prove", ("data", "export"), _always, _prove_inputs, _prove)
STAGES = (
    Stage("data", (), _has_data, _data_inputs, _build_dataset),
    Stage("train.detector", ("data",), partial(_has_model, "detector"), _detector_inputs, _fine_tune),
    Stage("train.policy", (), partial(_has_model, "policy"), _policy_inputs, _learn_policy),
    Stage("train", ("train.detector", "train.policy"), _always, _nothing_else, _gather),
    Stage("export", ("data", "train"), _always, _export_inputs, _export),
    PROVE,
    Stage("pack", ("data", "export", "engine", "prove"), _always, _pack_inputs, _pack),
)
# On demand, and beside the flow: an engine changes neither what is exported nor what is proven.
ENGINE = Stage("engine", ("export",), partial(_has_model, "detector"), _engine_inputs, _attach)


def with_engine(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The flow with the stage that builds an engine of what was exported."""
    after = [stage.name for stage in stages].index("export") + 1
    return (*stages[:after], ENGINE, *stages[after:])
