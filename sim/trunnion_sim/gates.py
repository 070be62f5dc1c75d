"""What the proof must show, and whether it does."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trunnion_contract.manifest import DetectorVariant, EpisodeParity, ModelManifest, Parity
from trunnion_contract.proof import (
    Comparison,
    DetectorEvaluation,
    Gate,
    Paired,
    ScenarioResult,
    VariantProof,
)
from trunnion_contract.usecase import Gates
from trunnion_edge.violations import POSITION_TOLERANCE_M, SPEED_TOLERANCE

POLICY_ALONE = "policy_alone"


def judge(
    wanted: Gates,
    model: ModelManifest,
    detector: DetectorEvaluation | None,
    policy: ScenarioResult | None,
    scenarios: tuple[ScenarioResult, ...],
    variants: tuple[VariantProof, ...] = (),
    comparison: Comparison | None = None,
) -> tuple[Gate, ...]:
    """Every gate of a proof, in the order in which people read them."""
    nominal = tuple(variant.nominal for variant in variants if variant.nominal)
    moved = [*scenarios, *nominal, *([policy] if policy else [])]
    return (
        *_detector_gates(wanted, detector),
        *(gate for of in variants for gate in _detector_gates(wanted, of.detector, f", {of.precision}")),
        *_policy_gates(wanted, policy),
        *_scenario_gates(scenarios),
        *(gate for result in nominal for gate in _lower_bounds(result)),
        *(_comparison_gates(comparison) if comparison else ()),
        *_motion_gates(moved, is_measured=model.cell is not None),
        *_parity_gates(model),
        *(_precision_gate(variant) for variant in (model.detector.variants if model.detector else ())),
    )


def _detector_gates(wanted: Gates, detector: DetectorEvaluation | None, variant: str = "") -> Iterator[Gate]:
    if detector:
        name = f"detector mAP50{variant}"
        least, note = wanted.detector_map50_min, f"{detector.images} test images"
        if least is None:
            yield Gate(
                name=name,
                got=f"{detector.map50:.3f}",
                wanted="no least value in the use case",
                passed=True,
                note=note,
            )
        else:
            yield _at_least(name, detector.map50, least, note)


def _policy_gates(wanted: Gates, policy: ScenarioResult | None) -> Iterator[Gate]:
    if policy:
        if wanted.policy_success_min is not None:
            yield _at_least(
                "policy alone, success", policy.success.value, wanted.policy_success_min, _count(policy)
            )
        if wanted.policy_success_lower_min is not None:
            yield _lower_bound("policy alone", policy, wanted.policy_success_lower_min)


def _scenario_gates(scenarios: tuple[ScenarioResult, ...]) -> Iterator[Gate]:
    if not scenarios:
        yield Gate(
            name="simulation",
            got="not asked for by the use case",
            wanted="a suite only where the use case names one",
            passed=True,
            note="nothing was proven in closed loop",
        )
    for result in scenarios:
        yield from _lower_bounds(result)


def _lower_bounds(result: ScenarioResult) -> Iterator[Gate]:
    if result.success_lower_min is not None:
        yield _lower_bound(result.name.replace("_", " "), result, result.success_lower_min)


def _comparison_gates(comparison: Comparison) -> Iterator[Gate]:
    """No worse over all episodes, and in no single row, each with the same risk of blaming an equal model."""
    yield _no_worse("no worse than the champion", comparison.overall, comparison.alpha, comparison.champion)
    rows = comparison.scenarios
    if len(rows) > 1:
        worst = min(rows, key=lambda row: row.p_worse)
        note = (
            f"{worst.name.replace('_', ' ')}; {comparison.alpha:g} divided by {len(rows)} rows (Bonferroni)"
        )
        yield _no_worse("no worse in any scenario", worst, comparison.alpha / len(rows), note)


def _no_worse(name: str, of: Paired, alpha: float, note: str) -> Gate:
    return Gate(
        name=name,
        got=f"{of.only_candidate} won, {of.only_champion} lost of {of.pairs} pairs, p {of.p_worse:.3g}",
        wanted=f"p at least {alpha:.3g}",
        passed=of.p_worse >= alpha,
        note=f"McNemar's exact test; {note}",
    )


def _motion_gates(results: list[ScenarioResult], is_measured: bool) -> Iterator[Gate]:
    if results:
        measured = [result for result in results if result.limit_violations is not None]
        violations = sum(result.limit_violations or 0 for result in measured)
        episodes = sum(result.success.trials for result in measured)
        tolerances = (
            f"{POSITION_TOLERANCE_M * 1000:g} mm and {SPEED_TOLERANCE:.0%} of the speed are tolerated"
        )
        without = "the use case has no cell and so no limits; only what the environment itself counts"
        apart = [result.name.replace("_", " ") for result in results if result not in measured]
        not_there = f"; {', '.join(apart)}: an environment without limits" if apart and is_measured else ""
        yield Gate(
            name="limit violations",
            got=str(violations),
            wanted="0",
            passed=violations == 0,
            note=f"workspace and speed, over {episodes} episodes; {tolerances if is_measured else without}{not_there}",
        )


def _parity_gates(model: ModelManifest) -> Iterator[Gate]:
    for network, unit in ((model.detector, " px"), (model.policy, "")):
        for parity in network.parity if network else ():
            yield _parity_gate(network.file, unit, parity)
    if model.policy and (episodes := model.policy.episodes):
        yield _episode_parity_gate(episodes)


def _parity_gate(file: str, unit: str, parity: Parity) -> Gate:
    got, wanted = f"{parity.absolute:.1e}{unit}", f"at most {parity.absolute_max:.0e}{unit}"
    if parity.map50_difference is not None:
        got += f", mAP50 by {abs(parity.map50_difference):.4f}"
        wanted += f", mAP50 within {parity.map50_difference_max}"
    note = f"largest difference, {parity.step}, {parity.samples} inputs"
    return Gate(name=f"parity of {file}", got=got, wanted=wanted, passed=parity.passed, note=note)


def _episode_parity_gate(of: EpisodeParity) -> Gate:
    return Gate(
        name="episode parity",
        got=f"{of.differing} of {of.episodes} end otherwise",
        wanted=f"at most {of.differing_max}",
        passed=of.passed,
        note=f"the same seeds: {of.torch_successes} successes as trained, {of.onnx_successes} as exported",
    )


def _precision_gate(variant: DetectorVariant) -> Gate:
    of = variant.parity
    return Gate(
        name=f"parity of {variant.file}",
        got=f"mAP50-95 {-of.map50_95_drop_points:+.2f} points",
        wanted=f"at most {of.map50_95_drop_max_points:g} below fp32",
        passed=of.passed,
        note=f"{of.images} validation images; mAP50 {-of.map50_drop_points:+.2f} points",
    )


def _at_least(name: str, got: float, least: float, note: str) -> Gate:
    # Cut and not rounded: 0.8999 must not be shown as the 0.900 that it missed.
    shown = math.floor(got * 1000 + 1e-9) / 1000
    return Gate(name=name, got=f"{shown:.3f}", wanted=f"at least {least:.2f}", passed=got >= least, note=note)


def _lower_bound(name: str, result: ScenarioResult, least: float) -> Gate:
    return _at_least(f"{name}, lower bound", result.success.lower, least, _count(result))


def _count(result: ScenarioResult) -> str:
    count = f"{result.success.successes} of {result.success.trials} episodes"
    if not result.sequential or not result.stopped_early:
        return count
    errors = f"errors at most {result.sequential.alpha:.0%} and {result.sequential.beta:.0%}"
    return f"{count}; {result.sequential.planned} planned, stopped early ({errors})"
