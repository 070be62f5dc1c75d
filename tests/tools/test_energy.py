"""What a machine's counters say of energy is added up, round after round; without one nothing is claimed."""

from __future__ import annotations

import pytest

from trunnion.energy import EnergyMeter


@pytest.fixture
def powercap(tmp_path):
    """A processor's counter as the kernel shows it, with a zone inside the processor that must not count twice."""
    for zone in ("intel-rapl:0", "intel-rapl:0:0"):
        (tmp_path / zone).mkdir()
        (tmp_path / zone / "energy_uj").write_text("900000000\n")
        (tmp_path / zone / "max_energy_range_uj").write_text("1000000000\n")
    return tmp_path


def test_joules_add_up_also_where_the_counter_begins_anew(powercap):
    counter = powercap / "intel-rapl:0" / "energy_uj"
    with EnergyMeter(powercap) as meter:
        counter.write_text("950000000\n")
        assert meter.joules == pytest.approx(50)
        counter.write_text("20000000\n")
        assert meter.joules == pytest.approx(120)
        counter.write_text("nothing\n")
        assert meter.joules == pytest.approx(120)


def test_without_a_counter_nothing_is_known(tmp_path):
    with EnergyMeter(tmp_path) as meter:
        assert meter.joules is None
