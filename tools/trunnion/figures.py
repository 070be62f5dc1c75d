"""What a proof measured, as names and numbers: the same names in MLflow, in comparisons and in a plan's criteria."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trunnion_contract.proof import DetectorEvaluation, Proof, Rate, ScenarioResult, wilson

Figures = dict[str, float]


def figures_of(proof: Proof, labels: Sequence[str]) -> Figures:
    """`detector.map50`, `detector.recall.gear`, `scenario.nominal.success_lower` and the like, where measured.

    `labels` are the detector's classes, in their order.
    """
    return dict(_figures(proof, labels))


def recall_by_class(detector: DetectorEvaluation, labels: Sequence[str]) -> dict[str, Rate]:
    """How many of the objects of a class were found as such, at the threshold that ships, with Wilson's interval."""
    # The last row of the confusion matrix is of nothing there.
    rows = enumerate(zip(labels, detector.confusion, strict=False))
    return {label: wilson(row[index], sum(row)) for index, (label, row) in rows if sum(row)}


def success_rows(proof: Proof) -> dict[str, ScenarioResult]:
    """Everything that has a success rate, by the name that its figures begin with."""
    rows = {f"scenario.{_plain(result.name)}": result for result in proof.scenarios}
    rows |= {f"{variant.precision}.nominal": variant.nominal for variant in proof.variants if variant.nominal}
    return rows | ({"policy": proof.policy} if proof.policy else {})


def _figures(proof: Proof, labels: Sequence[str]) -> Iterator[tuple[str, float]]:
    if proof.detector:
        yield from _detector("detector", proof.detector, labels)
    for variant in proof.variants:
        yield from _detector(f"detector.{variant.precision}", variant.detector, labels)
    for name, result in success_rows(proof).items():
        yield from _success(name, result)
    yield "gates.passed", float(sum(gate.passed for gate in proof.gates))
    yield "gates.failed", float(sum(not gate.passed for gate in proof.gates))


def _detector(name: str, detector: DetectorEvaluation, labels: Sequence[str]) -> Iterator[tuple[str, float]]:
    yield f"{name}.images", float(detector.images)
    yield f"{name}.map50", detector.map50
    yield f"{name}.map50_95", detector.map50_95
    for label, value in detector.map50_by_class.items():
        yield f"{name}.map50.{label}", value
    for label, rate in recall_by_class(detector, labels).items():
        yield f"{name}.recall.{label}", rate.value
        yield f"{name}.recall_lower.{label}", rate.lower


def _success(name: str, result: ScenarioResult) -> Iterator[tuple[str, float]]:
    yield f"{name}.success", result.success.value
    yield f"{name}.success_lower", result.success.lower
    yield f"{name}.success_upper", result.success.upper
    yield f"{name}.episodes", float(result.success.trials)
    measured = {
        "limit_violations": result.limit_violations,
        "collisions": result.collisions,
        "median_time_s": result.median_time_s,
        "median_path_m": result.median_path_m,
    }
    for what, value in measured.items():
        if value is not None:
            yield f"{name}.{what}", float(value)


def _plain(name: str) -> str:
    return name.replace(" ", "_")
