from __future__ import annotations

import pytest

from trunnion_contract.manifest import Entry, EpisodeParity, ModelManifest, Parity, PolicyModel, PolicySpec
from trunnion_contract.proof import DetectorEvaluation, Gate, ScenarioResult, VariantProof, wilson
from trunnion_contract.tensor import TensorSpec
from trunnion_contract.usecase import Gates
from trunnion_sim.gates import judge
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.paired import compare, paired

DETECTOR = DetectorEvaluation(
    images=200, map50=0.95, map50_95=0.7, map50_by_class={"gear": 0.95}, confusion=((9, 1), (2, 0))
)


def scenario(
    name: str, successes: int, trials: int, least: float | None, violations: int | None = 0
) -> ScenarioResult:
    return ScenarioResult(
        name=name,
        success=wilson(successes, trials),
        success_lower_min=least,
        limit_violations=violations,
        interventions=0,
        median_time_s=5.0,
        trajectory_sha256="0" * 64,
    )


def verdicts(
    gates: Gates, model: ModelManifest, *scenarios: ScenarioResult, **found: object
) -> dict[str, bool]:
    judged = judge(gates, model, found.get("detector"), found.get("policy"), scenarios)  # type: ignore[arg-type]
    return {gate.name: gate.passed for gate in judged}


def test_a_scenario_is_held_against_the_lower_bound_and_not_the_rate(model: ModelManifest) -> None:
    lucky, solid = scenario("lucky", 9, 10, 0.8), scenario("solid", 180, 200, 0.8)
    found = verdicts(Gates(), model, lucky, solid)
    assert not found["lucky, lower bound"]
    assert found["solid, lower bound"]


def test_a_single_violation_fails_the_proof(model: ModelManifest) -> None:
    assert verdicts(Gates(), model, scenario("a", 10, 10, None))["limit violations"]
    assert not verdicts(Gates(), model, scenario("a", 10, 10, None, violations=1))["limit violations"]
    assert not verdicts(Gates(), model, policy=scenario("p", 10, 10, None, violations=1))["limit violations"]


def test_the_gate_on_violations_says_what_is_tolerated_and_what_was_not_measured(
    model: ModelManifest,
) -> None:
    def note(model: ModelManifest) -> str:
        gates = judge(Gates(), model, None, scenario("p", 10, 10, None), ())
        return next(gate.note for gate in gates if gate.name == "limit violations")

    in_a_cell = model.model_copy(update={"cell": SORTING_CELL})
    assert "1 mm and 5% of the speed are tolerated" in note(in_a_cell)
    assert "no cell and so no limits" in note(model)


def test_rows_of_an_environment_without_limits_are_named_and_not_counted(model: ModelManifest) -> None:
    in_a_cell = model.model_copy(update={"cell": SORTING_CELL})
    policy = scenario("policy_alone", 10, 10, None, violations=None)
    gates = judge(Gates(), in_a_cell, None, policy, (scenario("a", 5, 5, None, violations=1),))
    gate = next(gate for gate in gates if gate.name == "limit violations")
    assert (gate.got, gate.passed) == ("1", False)
    assert "over 5 episodes" in gate.note
    assert gate.note.endswith("policy alone: an environment without limits")


@pytest.mark.parametrize(("least", "passes"), [(0.95, True), (0.951, False)])
def test_the_detector_is_held_against_its_map50(model: ModelManifest, least: float, passes: bool) -> None:
    assert verdicts(Gates(detector_map50_min=least), model, detector=DETECTOR)["detector mAP50"] is passes


def test_a_detector_without_a_gate_still_says_what_it_reached(model: ModelManifest) -> None:
    (gate,) = [g for g in judge(Gates(), model, DETECTOR, None, ()) if g.name == "detector mAP50"]
    assert gate.got == "0.950"
    assert gate.passed


def test_the_policy_is_held_against_its_rate_and_its_lower_bound(model: ModelManifest) -> None:
    gates = Gates(policy_success_min=0.93, policy_success_lower_min=0.88)
    found = verdicts(gates, model, policy=scenario("policy_alone", 190, 200, None))
    assert found["policy alone, success"]
    assert found["policy alone, lower bound"]
    assert not verdicts(gates, model, policy=scenario("policy_alone", 19, 20, None))[
        "policy alone, lower bound"
    ]


def test_without_a_suite_the_gates_say_that_nothing_was_simulated(model: ModelManifest) -> None:
    (gate,) = [g for g in judge(Gates(), model, DETECTOR, None, ()) if g.name == "simulation"]
    assert gate.got == "not asked for by the use case"
    assert gate.passed
    assert "simulation" not in verdicts(Gates(), model, scenario("a", 1, 1, None))


def _with_policy(model: ModelManifest, differing: int) -> ModelManifest:
    spec = PolicySpec(
        input=TensorSpec(name="observation", dtype="float32", shape=("N", 1)),
        output=TensorSpec(name="action", dtype="float32", shape=("N", 1)),
        observation=(Entry(name="place_m", size=1, unit="m", low=-1, high=1),),
        action=(Entry(name="velocity_mps", size=1, unit="m/s", low=-1, high=1),),
        rate_hz=10,
    )
    episodes = EpisodeParity(
        episodes=50, torch_successes=48, onnx_successes=48 - differing, differing=differing, differing_max=1
    )
    policy = PolicyModel(file="policy.onnx", sha256="0" * 64, parity=(), spec=spec, episodes=episodes)
    return model.model_copy(update={"policy": policy})


@pytest.mark.parametrize(("differing", "passed"), [(0, True), (1, True), (2, False)])
def test_episodes_that_end_otherwise_as_exported_are_a_gate(
    model: ModelManifest, differing: int, passed: bool
) -> None:
    gates = judge(Gates(), _with_policy(model, differing), None, None, ())
    gate = next(gate for gate in gates if gate.name == "episode parity")
    assert (gate.got, gate.wanted) == (f"{differing} of 50 end otherwise", "at most 1")
    assert gate.passed is passed
    assert f"48 successes as trained, {48 - differing} as exported" in gate.note


def test_a_policy_whose_episodes_were_not_compared_has_no_such_gate(model: ModelManifest) -> None:
    assert "episode parity" not in verdicts(Gates(), model)


def test_parity_that_is_off_fails_the_proof(model: ModelManifest) -> None:
    def with_parity(absolute: float, difference: float) -> ModelManifest:
        parity = Parity(
            step="torch to ONNX",
            samples=64,
            absolute=absolute,
            absolute_max=1e-3,
            relative=1e-6,
            map50_difference=difference,
            map50_difference_max=0.002,
        )
        assert model.detector is not None
        return model.model_copy(update={"detector": model.detector.model_copy(update={"parity": (parity,)})})

    assert verdicts(Gates(), with_parity(9e-4, -0.001))["parity of detector.onnx"]
    assert not verdicts(Gates(), with_parity(2e-3, 0.0))["parity of detector.onnx"]
    assert not verdicts(Gates(), with_parity(1e-4, -0.003))["parity of detector.onnx"]


def test_a_bound_just_missed_is_not_shown_as_reached(model: ModelManifest) -> None:
    detector = DETECTOR.model_copy(update={"map50": 0.89996})
    (gate,) = [
        g for g in judge(Gates(detector_map50_min=0.90), model, detector, None, ()) if "mAP50" in g.name
    ]
    assert (gate.got, gate.passed) == ("0.899", False)


def _in_int8(model: ModelManifest, map50: float, nominal: ScenarioResult | None) -> dict[str, Gate]:
    detector = DETECTOR.model_copy(update={"map50": map50})
    variant = VariantProof(precision="int8", sha256="0", detector=detector, nominal=nominal)
    gates = judge(Gates(detector_map50_min=0.9), model, DETECTOR, None, (), (variant,))
    return {gate.name: gate for gate in gates}


def test_every_precision_is_held_against_the_same_gates_by_itself(model_in_int8: ModelManifest) -> None:
    good = _in_int8(model_in_int8, 0.91, scenario("nominal, int8", 180, 200, 0.8))
    assert good["detector mAP50, int8"].passed
    assert good["nominal, int8, lower bound"].passed
    bad = _in_int8(model_in_int8, 0.89, scenario("nominal, int8", 9, 10, 0.8))
    assert bad["detector mAP50"].passed
    assert not bad["detector mAP50, int8"].passed
    assert not bad["nominal, int8, lower bound"].passed


def test_a_violation_in_any_precision_fails_the_proof(model_in_int8: ModelManifest) -> None:
    clean = scenario("nominal, int8", 10, 10, None)
    assert _in_int8(model_in_int8, 0.95, clean)["limit violations"].passed
    violated = clean.model_copy(update={"limit_violations": 1})
    assert not _in_int8(model_in_int8, 0.95, violated)["limit violations"].passed


def test_what_a_precision_lost_is_a_gate_too(model_in_int8: ModelManifest) -> None:
    gate = _in_int8(model_in_int8, 0.95, None)["parity of detector.int8.onnx"]
    assert (gate.got, gate.wanted, gate.passed) == ("mAP50-95 -0.40 points", "at most 1 below fp32", True)
    assert model_in_int8.detector is not None
    (variant,) = model_in_int8.detector.variants
    parity = variant.parity.model_copy(update={"map50_95_drop_points": 1.1})
    lossy = {"variants": (variant.model_copy(update={"parity": parity}),)}
    model = model_in_int8.model_copy(update={"detector": model_in_int8.detector.model_copy(update=lossy)})
    assert not _in_int8(model, 0.95, None)["parity of detector.int8.onnx"].passed


def _against(model: ModelManifest, **lost: int) -> dict[str, bool]:
    """Scenarios of 30 pairs, of which the candidate lost so many and won none."""
    rows = [
        paired(name, {seed: seed >= count for seed in range(30)}, dict.fromkeys(range(30), True))
        for name, count in lost.items()
    ]
    found = scenario("a", 10, 10, None)
    gates = judge(Gates(), model, None, None, (found,), (), compare("cell 0.1.0", "0", rows))
    return {gate.name: gate.passed for gate in gates if gate.name.startswith("no worse")}


def test_a_few_lost_pairs_may_be_luck_and_many_are_not(model: ModelManifest) -> None:
    assert _against(model, a=4) == {"no worse than the champion": True}  # 1/16
    assert _against(model, a=5) == {"no worse than the champion": False}  # 1/32


def test_single_scenarios_are_held_to_a_level_that_many_of_them_do_not_break_by_chance(
    model: ModelManifest,
) -> None:
    assert _against(model, a=0, b=5, c=0)["no worse in any scenario"]
    assert not _against(model, a=0, b=6, c=0)["no worse in any scenario"]


def test_losses_that_are_too_few_in_each_scenario_add_up(model: ModelManifest) -> None:
    found = _against(model, a=2, b=2, c=2)
    assert found == {"no worse than the champion": False, "no worse in any scenario": True}
