"""Candidate against champion on the same seeds: McNemar's exact test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import comb

from trunnion_contract.proof import Comparison, Paired

ALPHA = 0.05
"""Below this, what happened is too improbable for a candidate that is no worse."""
OVERALL = "all episodes"

Successes = Mapping[int, bool]


def mcnemar(only_candidate: int, only_champion: int) -> tuple[float, float]:
    """The two-sided p of equal models, and the one-sided p of a candidate that is no worse (McNemar, 1947; exact).

    Only discordant pairs tell anything: between equal models, each falls to either like a fair coin.
    """
    discordant = only_candidate + only_champion
    worse = _at_most(only_candidate, discordant)
    return min(1.0, 2 * _at_most(min(only_candidate, only_champion), discordant)), worse


def _at_most(heads: int, tosses: int) -> float:
    ways = sum(comb(tosses, count) for count in range(heads + 1))
    return float(Fraction(ways, 2**tosses))


def paired(name: str, candidate: Successes, champion: Successes) -> Paired:
    """Compare the episodes of one scenario, each given as seed to success, on the seeds that both played."""
    seeds = sorted(candidate.keys() & champion.keys())
    gained = tuple(seed for seed in seeds if candidate[seed] and not champion[seed])
    lost = tuple(seed for seed in seeds if champion[seed] and not candidate[seed])
    p_value, p_worse = mcnemar(len(gained), len(lost))
    both = sum(candidate[seed] and champion[seed] for seed in seeds)
    return Paired(
        name=name,
        both=both,
        only_candidate=len(gained),
        only_champion=len(lost),
        neither=len(seeds) - both - len(gained) - len(lost),
        p_value=p_value,
        p_worse=p_worse,
        seeds_only_candidate=gained,
        seeds_only_champion=lost,
    )


def compare(champion: str, model_digest: str, scenarios: Sequence[Paired]) -> Comparison:
    """Put the scenarios, and the policy alone, together."""
    gained, lost = (
        sum(getattr(row, name) for row in scenarios) for name in ("only_candidate", "only_champion")
    )
    p_value, p_worse = mcnemar(gained, lost)
    overall = Paired(
        name=OVERALL,
        both=sum(row.both for row in scenarios),
        only_candidate=gained,
        only_champion=lost,
        neither=sum(row.neither for row in scenarios),
        p_value=p_value,
        p_worse=p_worse,
    )
    return Comparison(
        champion=champion,
        model_digest=model_digest,
        alpha=ALPHA,
        scenarios=tuple(scenarios),
        overall=overall,
    )
