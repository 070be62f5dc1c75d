"""Under kill -9 of bridges, sorter and receiver every order ends once, is begun once, and is told from end to end."""

from __future__ import annotations

import pytest

from trunnion.bench.order_soak.soak import Soak, run

ORDERS = 8


class Stopped(Exception):
    """Somebody stops the soak."""


@pytest.fixture
def soak(bundle, postgres, lonely_environment, tmp_path):
    url = postgres.new_database().render_as_string(hide_password=False)
    environment = {**lonely_environment, "TRUNNION_DATABASE": url}
    return Soak(bundle, tmp_path / "soak", environment, ORDERS, bridges=2, kill_every_s=(1.0, 2.0))


def test_nothing_is_lost_done_twice_or_left_untold_while_all_are_killed_and_after_a_stop(soak):
    def stop_midway(said):
        if not said.startswith("0 "):
            raise Stopped

    with pytest.raises(Stopped):
        run(soak, stop_midway)
    assert (soak.folder / "posted").read_text()

    said = []
    outcome = run(soak, said.append)

    assert (outcome.lost, outcome.doubled, outcome.orders) == (0, 0, ORDERS)
    told = outcome.webhooks
    assert (told.missing, told.out_of_order, told.strangers) == (0, 0, 0)
    assert told.events >= 3 * ORDERS
    assert outcome.is_right
    assert sum(outcome.kills.values()) >= 1
    # An order that the sorter had when it was killed has failed, visibly.
    assert outcome.succeeded >= ORDERS - outcome.kills["sorter"] - outcome.kills["bridge"]
    assert f"of {ORDERS} orders have ended" in said[-1]
