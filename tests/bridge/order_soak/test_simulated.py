"""What the sorters of the simulated cell began is read from the logs of all of them."""

from __future__ import annotations

from trunnion.bench.order_soak.simulated import begun_in

FIRST, SECOND = "81590d48-9444-4220-9f4f-39f14ba8bd2b", "12709062-1aa4-45c8-a9e7-10efc8e6e4d1"


def line(order_id, said):
    return f"[INFO] [1796058590.1] [cell.sorter]: order {order_id}: {said}\n"


def test_orders_that_any_of_the_sorters_began_are_counted_each_time(tmp_path):
    (tmp_path / "sorter.17.log").write_text(
        line(FIRST, "1 parts into bin A") + line(FIRST, "done, 1 of 1 sorted")
    )
    (tmp_path / "sorter.log").write_text(
        line(SECOND, "1 parts into bin A") + line(FIRST, "1 parts into bin A")
    )
    (tmp_path / "detector.log").write_text(line(SECOND, "1 parts into bin A"))

    assert sorted(begun_in(tmp_path)) == sorted([FIRST, SECOND, FIRST])
