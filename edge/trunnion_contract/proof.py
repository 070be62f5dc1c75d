"""The proof: what was measured about which files, with intervals, and whether it is good enough."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from trunnion_contract.manifest import Precision
from trunnion_contract.strict import Strict

_Z95 = 1.959963984540054


class Rate(Strict):
    """A success rate with its Wilson 95 % interval."""

    successes: int = Field(ge=0)
    trials: int = Field(ge=1)
    lower: float
    upper: float

    @property
    def value(self) -> float:
        """Successes over trials."""
        return self.successes / self.trials


def wilson(successes: int, trials: int) -> Rate:
    """The Wilson score interval at 95 % (Wilson, 1927)."""
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes of {trials} trials")
    rate, z2 = successes / trials, _Z95**2
    centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 / (1 + z2 / trials) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2))
    # At the ends the bounds are 0 and 1 exactly; floating point misses them by a hair.
    lower = max(0.0, centre - half) if successes else 0.0
    upper = min(1.0, centre + half) if successes < trials else 1.0
    return Rate(successes=successes, trials=trials, lower=lower, upper=upper)


class Failure(Strict):
    """An episode that failed, and the seed that plays it again; film and log are files beside the proof.

    `unfilmed` says why there is a log and no film.
    """

    seed: int
    reason: str
    picture: str | None = None
    log: str | None = None
    unfilmed: str = ""


class Sequential(Strict):
    """The test that could end a scenario early; its episodes were then fewer than planned.

    H0 is a rate of the gate's least, H1 one of `rate_h1` (None: only a certain verdict ends it). `alpha` is the largest
    probability that a model of H0 passes, `beta` that one of H1 fails.
    """

    planned: int = Field(ge=1)
    rate_h1: float | None
    alpha: float
    beta: float


class ScenarioResult(Strict):
    """What happened in one scenario.

    Violations of limits, medians of path (of the grasp point, in successful episodes) and collisions (times that the
    arm touched scenery, or a part that was not ordered) are None where they were not measured.
    """

    name: str
    success: Rate
    success_lower_min: float | None
    limit_violations: int | None
    interventions: int
    median_time_s: float | None
    median_path_m: float | None = None
    collisions: int | None = None
    median_collisions: float | None = None
    trajectory_sha256: str
    failures: tuple[Failure, ...] = ()
    sequential: Sequential | None = None

    @property
    def stopped_early(self) -> bool:
        """Whether fewer episodes were played than planned, because the verdict was clear."""
        return self.sequential is not None and self.success.trials < self.sequential.planned


class DetectorEvaluation(Strict):
    """The exported detector, run by the edge runtime on the test split.

    `confusion` has a row for each true class and one for "nothing there", a column for each predicted class and one
    for "missed".
    """

    images: int
    map50: float
    map50_95: float
    map50_by_class: dict[str, float]
    confusion: tuple[tuple[int, ...], ...]


class VariantProof(Strict):
    """The detector in another precision than fp32: the same images, and the nominal scenario with the same seeds."""

    precision: Precision
    sha256: str
    detector: DetectorEvaluation
    nominal: ScenarioResult | None = None


class Paired(Strict):
    """Episodes that candidate and champion played with the same seeds, by who succeeded in them.

    `p_value` is of McNemar's exact test, two-sided; `p_worse` is its half against a candidate that is worse. The seeds
    are those of the discordant pairs; the sum over everything names none.
    """

    name: str
    both: int
    only_candidate: int
    only_champion: int
    neither: int
    p_value: float
    p_worse: float
    seeds_only_candidate: tuple[int, ...] = ()
    seeds_only_champion: tuple[int, ...] = ()

    @property
    def pairs(self) -> int:
        """How many episodes both played."""
        return self.both + self.only_candidate + self.only_champion + self.neither


class Comparison(Strict):
    """The proven models against the champion's: a gate fails where `p_worse` is below `alpha`."""

    champion: str
    model_digest: str
    alpha: float
    scenarios: tuple[Paired, ...] = Field(min_length=1)
    overall: Paired


class Gate(Strict):
    """One condition, what was found, and the verdict."""

    name: str
    got: str
    wanted: str
    passed: bool
    note: str = ""


class Proof(Strict):
    """`proof.json`."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: str
    version: str
    usecase_digest: str
    dataset_digest: str | None
    model_digest: str
    files: dict[str, str]
    runtime: dict[str, str]
    detector: DetectorEvaluation | None = None
    policy: ScenarioResult | None = None
    scenarios: tuple[ScenarioResult, ...] = ()
    variants: tuple[VariantProof, ...] = ()
    comparison: Comparison | None = None
    gates: tuple[Gate, ...] = Field(min_length=1)
    simulated: bool

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)
