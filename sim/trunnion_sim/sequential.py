"""Stopping early when a verdict is clear: Wald's sequential probability ratio test, truncated, with exact error rates.

The gate stays what it is: the lower bound of the Wilson 95 % interval must reach `least`. Only when the episodes end is
decided here, on the episodes in the order of their seeds, so that it depends on no worker.

* Curtailment: they end when those still to come could not change the verdict of all that were planned.
* The sequential test: they end when the ratio of two likelihoods is beyond a boundary, and the lower bound agrees.
  H0 is a rate of `least`; H1 the rate at which all planned episodes would pass in 97.5 of 100 proofs. What lies between
  is the region of indifference.

Wald's boundaries promise their error rates for a test without an end, and roughly. Here they are moved apart until the
exact rates, computed by following every count that can come up, are at most `ALPHA` and `BETA` with the end and the
curtailment in. `python -m trunnion_sim.sequential` checks them by simulation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import log

import numpy as np

from trunnion_contract.proof import wilson

ALPHA = BETA = 0.05
"""Largest probability that a model of H0's rate passes, and that one of H1's rate fails."""
_STRETCHES = tuple(1 + 0.05 * number for number in range(41))


@dataclass(frozen=True, eq=False)
class StoppingRule:
    """When to stop, for a gate and a number of planned episodes.

    Attributes:
        rate_h1: the rate that must pass; None where only curtailment stops.
        passes_from, fails_to: by number of episodes played (from 0), the fewest successes that end them in a pass, and
            the most that end them in a failure; int64 [planned + 1].
    """

    least: float
    planned: int
    rate_h1: float | None
    passes_from: np.ndarray
    fails_to: np.ndarray

    def end(self, successes: Sequence[bool]) -> int | None:
        """After how many of these episodes to stop; None when there must be more of them."""
        counts = np.cumsum(np.asarray(successes[: self.planned], dtype=np.int64))
        played = np.arange(1, len(counts) + 1)
        stops = (counts >= self.passes_from[played]) | (counts <= self.fails_to[played])
        return int(stops.argmax()) + 1 if stops.any() else None

    def passes(self, rate: float) -> float:
        """The exact probability that a model of this success rate passes."""
        return self._followed(rate)[0]

    def mean_episodes(self, rate: float) -> float:
        """How many episodes a model of this success rate plays on average."""
        return self._followed(rate)[1]

    def _followed(self, rate: float) -> tuple[float, float]:
        """Follow the probability of every count that is not yet decided."""
        reached, low, passed, episodes = np.ones(1), 0, 0.0, 0.0
        for played in range(1, self.planned + 1):
            episodes += reached.sum()
            more = np.zeros(len(reached) + 1)
            more[:-1] += reached * (1 - rate)
            more[1:] += reached * rate
            first = max(int(self.fails_to[played]) + 1 - low, 0)
            last = max(int(self.passes_from[played]) - low, first)
            passed += more[last:].sum()
            reached, low = more[first:last], low + first
            if not len(reached):
                break
        return float(passed), float(episodes)


@cache
def stopping_rule(least: float, planned: int) -> StoppingRule:
    """The rule for a gate of `least` on the lower bound, and `planned` episodes."""
    plan = _Plan(least, planned)
    rule = plan.curtailed()
    rate_h1 = plan.rate_h1()
    if rate_h1 is None:
        return rule
    for stretch in _STRETCHES:
        bounded = plan.bounded(rate_h1, stretch)
        if bounded.passes(least) <= ALPHA and 1 - bounded.passes(rate_h1) <= BETA:
            return bounded
    return rule


@dataclass(frozen=True)
class _Plan:
    least: float
    planned: int

    @cached_property
    def _wanted(self) -> np.ndarray:
        """By number of episodes, the fewest successes whose lower bound reaches `least`; one too many for never."""
        fewest, found = 0, [1]
        for played in range(1, self.planned + 1):
            while fewest <= played and wilson(fewest, played).lower < self.least:
                fewest += 1
            found.append(fewest)
        return np.array(found)

    def curtailed(self) -> StoppingRule:
        """Stop when the verdict of all planned episodes is certain."""
        wanted = int(self._wanted[self.planned])
        played = np.arange(self.planned + 1)
        passes_from = np.full(self.planned + 1, wanted)
        fails_to = wanted - 1 - (self.planned - played)
        return StoppingRule(self.least, self.planned, None, passes_from, fails_to)

    def rate_h1(self) -> float | None:
        """The rate that fails all planned episodes with half of `BETA`; the other half is for stopping early."""
        fixed = self.curtailed()
        if not 0 < self.least < 1 or fixed.passes(1.0) < 1:
            return None
        low, high = self.least, 1.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if fixed.passes(middle) >= 1 - BETA / 2 else (middle, high)
        return high if high < 1 else None

    def bounded(self, rate_h1: float, stretch: float) -> StoppingRule:
        """Curtailment, and Wald's boundaries moved apart by `stretch`."""
        curtailed, played = self.curtailed(), np.arange(self.planned + 1)
        success, failure = log(rate_h1 / self.least), log((1 - rate_h1) / (1 - self.least))
        slope = success - failure
        above = (stretch * log((1 - BETA) / ALPHA) - played * failure) / slope
        below = (stretch * log(BETA / (1 - ALPHA)) - played * failure) / slope
        # The verdict is the lower bound's; where it does not agree with the test, episodes go on.
        passes_from = np.maximum(np.ceil(above).astype(np.int64), self._wanted)
        fails_to = np.minimum(np.floor(below).astype(np.int64), self._wanted - 1)
        return StoppingRule(
            self.least,
            self.planned,
            rate_h1,
            np.minimum(passes_from, curtailed.passes_from),
            np.maximum(fails_to, curtailed.fails_to),
        )


@dataclass(frozen=True)
class Simulated:
    """What came of simulated proofs: shares that passed, and episodes on average."""

    rate: float
    verdicts: int
    passed: float
    passed_fixed: float
    episodes: float


def simulate(rule: StoppingRule, rate: float, verdicts: int, seed: int = 0) -> Simulated:
    """Play `verdicts` proofs of a model that succeeds with probability `rate`, and let the rule stop them."""
    rng = np.random.default_rng(seed)
    ends, passed, passed_fixed = [], 0, 0
    for _ in range(verdicts):
        successes = rng.random(rule.planned) < rate
        end = rule.end(successes.tolist()) or rule.planned
        ends.append(end)
        passed += wilson(int(successes[:end].sum()), end).lower >= rule.least
        passed_fixed += wilson(int(successes.sum()), rule.planned).lower >= rule.least
    return Simulated(rate, verdicts, passed / verdicts, passed_fixed / verdicts, float(np.mean(ends)))


def _table(least: float, planned: int, verdicts: int, seed: int) -> list[str]:
    rule = stopping_rule(least, planned)
    lines = [
        f"\nlower bound at least {least:.2f}, {planned} episodes planned: "
        + (f"H1 {rule.rate_h1:.3f}" if rule.rate_h1 else "only curtailment stops"),
        "     rate        passed   (exact)   all played   episodes   share",
    ]
    cases = [("clear, worse", least - 0.2), ("H0", least), ("H1", rule.rate_h1), ("clear, better", 0.995)]
    for name, rate in cases:
        if rate is None or not 0 <= rate <= 1:
            continue
        found = simulate(rule, rate, verdicts, seed)
        lines.append(
            f"  {rate:7.3f} {found.passed:13.4f} {rule.passes(rate):9.4f} {found.passed_fixed:12.4f}"
            f" {found.episodes:10.1f} {found.episodes / planned:7.1%}  {name}"
        )
    return lines


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m trunnion_sim.sequential", description=__doc__)
    parser.add_argument("--verdicts", type=int, default=2000, help="simulated proofs for each row")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"at most {ALPHA:.0%} of H0 pass and at most {BETA:.0%} of H1 fail; {arguments.verdicts} verdicts")
    for least, planned in ((0.8, 200), (0.6, 20), (0.8, 40), (0.9, 300), (0.95, 1000)):
        print(*_table(least, planned, arguments.verdicts, arguments.seed), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
