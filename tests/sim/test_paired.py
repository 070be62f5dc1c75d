from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_sim.paired import compare, mcnemar, paired

small = st.integers(0, 60)


@pytest.mark.parametrize(
    ("only_candidate", "only_champion", "p_value"),
    [
        # From R: binom.test(x, n)$p.value of the discordant pairs
        (1, 8, 0.0390625),
        (0, 5, 0.0625),
        (0, 6, 0.03125),
        (3, 3, 1.0),
        (5, 15, 0.04138947),
    ],
)
def test_the_test_is_the_published_one(only_candidate: int, only_champion: int, p_value: float) -> None:
    assert mcnemar(only_candidate, only_champion)[0] == pytest.approx(p_value, abs=1e-7)
    assert mcnemar(only_champion, only_candidate)[0] == pytest.approx(p_value, abs=1e-7)


@given(small, small)
def test_both_sides_together_are_certain(only_candidate: int, only_champion: int) -> None:
    two_sided, worse = mcnemar(only_candidate, only_champion)
    better = mcnemar(only_champion, only_candidate)[1]
    assert two_sided == pytest.approx(min(1.0, 2 * min(worse, better)))
    assert worse + better >= 1 - 1e-12


def test_thousands_of_discordant_pairs_are_counted_exactly() -> None:
    assert mcnemar(2400, 2600)[0] == pytest.approx(0.00487, abs=1e-4)


def test_pairs_are_made_by_seed_and_the_discordant_ones_are_listed() -> None:
    candidate = {1: True, 2: False, 3: True, 4: False, 9: True}
    champion = {4: False, 3: False, 2: True, 1: True, 8: True}
    row = paired("nominal", candidate, champion)
    assert (row.both, row.only_candidate, row.only_champion, row.neither, row.pairs) == (1, 1, 1, 1, 4)
    assert (row.seeds_only_candidate, row.seeds_only_champion) == ((3,), (2,))


def test_losses_that_are_spread_over_scenarios_add_up() -> None:
    candidate, champion = dict.fromkeys(range(10), False), dict.fromkeys(range(10), True)
    rows = [paired(name, candidate, champion | {9: False}) for name in ("a", "b")]
    overall = compare("cell 0.1.0", "digest", rows).overall
    assert (overall.only_champion, overall.neither) == (18, 2)
    assert overall.p_worse == pytest.approx(2**-18)
