"""The model card that travels in the bundle: what the models are for, what they learnt from, and what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from trunnion.figures import recall_by_class
from trunnion_contract.attached_engines import ENGINES, AttachedEngines
from trunnion_contract.bundle import MODEL, PROOF
from trunnion_contract.dataset import Dataset
from trunnion_contract.manifest import ModelManifest, Parity
from trunnion_contract.proof import Proof, Rate, ScenarioResult
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import UseCase


def model_card(
    usecase: UseCase, dataset_dir: Path, export_dir: Path, prove_dir: Path, engine_dir: Path | None = None
) -> str:
    """Markdown, the same bytes for the same input."""
    model = read_json(ModelManifest, export_dir / MODEL)
    proof = read_json(Proof, prove_dir / PROOF)
    record = dataset_dir / "dataset.json"
    dataset = read_json(Dataset, record) if usecase.data and record.exists() else None
    engines = _engines(read_json(AttachedEngines, engine_dir / ENGINES), model) if engine_dir else ()
    parts = (
        _head(usecase),
        _data(dataset),
        _measured(proof),
        _classes(proof, model),
        _parity(model),
        engines,
    )
    parts += (_limits(proof), _cost(), _made_with(model))
    sections = [section for part in parts if (section := tuple(part))]
    return "\n".join(line for section in sections for line in (*section, ""))


def _head(usecase: UseCase) -> Iterator[str]:
    yield f"# {usecase.name} {usecase.version}"
    yield ""
    yield usecase.problem
    yield ""
    if usecase.classes:
        yield f"Classes: {', '.join(usecase.classes)}."
    yield "Meant for the cell in `model.json`; another camera pose, other parts or another robot want a new proof."


def _data(dataset: Dataset | None) -> Iterator[str]:
    yield "## Data"
    if dataset is None:
        yield "No labelled images: demonstrations in simulation only."
        return
    counts = ", ".join(f"{count} {split}" for split, count in dataset.images.items())
    yield f"Images: {counts}; digest `{dataset.digest}`."
    yield ""
    yield "| source | images | origin | licence | personal data | consent |"
    yield "|---|---|---|---|---|---|"
    for source in dataset.sources:
        of = source.provenance
        yield f"| {source.kind} | {source.images} | {of.origin} | {of.licence} | {of.personal_data} | {of.consent} |"


def _measured(proof: Proof) -> Iterator[str]:
    yield "## Measured" + (" in simulation" if proof.simulated else "")
    if proof.detector:
        of = proof.detector
        yield f"Detector on {of.images} unseen images: mAP50 {of.map50:.3f}, mAP50-95 {of.map50_95:.3f}."
    for variant in proof.variants:
        of = variant.detector
        yield f"As {variant.precision}: mAP50 {of.map50:.3f}, mAP50-95 {of.map50_95:.3f}."
    nominal = [variant.nominal for variant in proof.variants if variant.nominal]
    rows = [*([proof.policy] if proof.policy else []), *proof.scenarios, *nominal]
    if rows:
        yield ""
        yield "| scenario | episodes | success | 95 % interval | limit violations |"
        yield "|---|---|---|---|---|"
        yield from map(_scenario, rows)
    yield ""
    for gate in proof.gates:
        yield f"- {gate.name}: {gate.got} (wanted {gate.wanted})" + (f"; {gate.note}" if gate.note else "")


def _classes(proof: Proof, model: ModelManifest) -> Iterator[str]:
    if not (proof.detector and model.detector):
        return
    yield "## Classes"
    yield "Recall is at the threshold that ships."
    yield ""
    yield "| class | AP50 | recall | 95 % interval | found |"
    yield "|---|---|---|---|---|"
    labels, precisions = model.detector.spec.labels, proof.detector.map50_by_class
    recalls = recall_by_class(proof.detector, labels)
    for label in labels:
        precision = f"{precisions[label]:.3f}" if label in precisions else "not measured"
        yield f"| {label} | {precision} | {_recall(recalls[label]) if label in recalls else 'not measured | – | –'} |"


def _recall(rate: Rate) -> str:
    return f"{rate.value:.3f} | {rate.lower:.3f} to {rate.upper:.3f} | {rate.successes} of {rate.trials}"


def _limits(proof: Proof) -> Iterator[str]:
    yield "## Limits"
    where = "the simulated cell of the use case" if proof.simulated else "the test images"
    yield f"Every figure here is of {where}" + (
        "; nothing was measured on a real robot." if proof.simulated else "."
    )
    failed = [
        f"- {row.name}: {count} times {reason}"
        for row in (*proof.scenarios, *([proof.policy] if proof.policy else []))
        for reason, count in Counter(failure.reason for failure in row.failures).most_common()
    ]
    if failed:
        yield ""
        yield "What failed:"
        yield ""
        yield from failed


def _cost() -> Iterator[str]:
    yield "## Energy and time"
    yield "With the runs in MLflow (`seconds`, and `energy_j` where the machine has a counter), in the reports of the"
    yield "plan's stages, and below this card in the registry; not here, so that the same input gives the same card."


def _scenario(result: ScenarioResult) -> str:
    rate = result.success
    interval = f"{rate.lower:.3f} to {rate.upper:.3f}"
    violations = "–" if result.limit_violations is None else result.limit_violations
    return f"| {result.name} | {rate.trials} | {rate.value:.3f} | {interval} | {violations} |"


def _parity(model: ModelManifest) -> Iterator[str]:
    yield "## Parity"
    for part in filter(None, (model.detector, model.policy)):
        for step in part.parity:
            yield f"- {part.file}, {step.step}: {_difference(step)} on {step.samples} samples"

    for variant in model.detector.variants if model.detector else ():
        of = variant.parity
        lost = f"{of.map50_95_drop_points:.2f} points of mAP50-95 (allowed {of.map50_95_drop_max_points:g})"
        yield f"- {variant.file}, fp32 to {variant.precision}: lost {lost} on {of.images} validation images"


def _difference(step: Parity) -> str:
    found = f"at most {step.absolute:.2e} (allowed {step.absolute_max:.0e}), relative {step.relative:.2e}"
    if step.map50_difference is None:
        return found
    return f"{found}, mAP50 by {step.map50_difference:.4f} (allowed {step.map50_difference_max or 0:g})"


def _engines(attached: AttachedEngines, model: ModelManifest) -> Iterator[str]:
    yield "## Engines"
    yield "Built from the proven files, and not proven themselves; a device with another key builds its own."
    yield ""
    files = {digest: name for name, digest in model.files().items()}
    for plan in attached.plans:
        of = plan.key
        system = f"driver {of.driver}" if of.driver else f"L4T {of.l4t}"
        built_for = f"{of.gpu}, {of.runtime} {of.runtime_version}, CUDA {of.cuda}, {system}"
        yield f"- {files.get(of.onnx_sha256, 'another network')} for {built_for}: {plan.compared}"


def _made_with(model: ModelManifest) -> Iterator[str]:
    yield "## Made with"
    yield ", ".join(f"{name} {version}" for name, version in sorted(model.made_with.items()))
    yield ""
    yield from (f"- {what}: {licence}" for what, licence in sorted(model.licences.items()))
