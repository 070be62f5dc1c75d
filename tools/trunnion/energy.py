"""The energy that a stage took, by the counters of this machine: the processors' (RAPL) and the GPUs' (NVML).

They count all that the machine does meanwhile, and no machine but this one. Without a counter that may be read, nothing
is known, and nothing is guessed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

POWERCAP = Path("/sys/class/powercap")
# A processor's counter begins anew after some 262 kJ: quarter of an hour of a large one.
_LOOK_EVERY_S = 60.0

# Joules so far, from some beginning; None where it cannot be read now.
Counter = Callable[[], float | None]


class EnergyMeter:
    """Adds up, within its block, what the counters say."""

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self._counters = [*(_Package(zone) for zone in _packages(powercap)), *_gpus()]
        self._last: list[float | None] = [None] * len(self._counters)
        self._over, self._lock = threading.Event(), threading.Lock()
        self._total_j: float | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True, name="energy")

    def __enter__(self) -> EnergyMeter:
        self._last = [read() for read in self._counters]
        if any(value is not None for value in self._last):
            self._total_j = 0.0
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def joules(self) -> float | None:
        """So far; None where no counter may be read."""
        self._look()
        return self._total_j

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        with self._lock:
            if self._total_j is None:
                return
            for index, read in enumerate(self._counters):
                now, before = read(), self._last[index]
                if now is not None and before is not None:
                    self._total_j += now - before
                self._last[index] = now


class _Package:
    """A processor's counter, which begins anew at the end of its range."""

    def __init__(self, zone: Path) -> None:
        self._file = zone / "energy_uj"
        self._range_uj = _number(zone / "max_energy_range_uj") or 0
        self._before_uj, self._rounds = 0, 0

    def __call__(self) -> float | None:
        now_uj = _number(self._file)
        if now_uj is None:
            return None
        self._rounds += now_uj < self._before_uj
        self._before_uj = now_uj
        return (self._rounds * self._range_uj + now_uj) / 1e6


def _packages(powercap: Path) -> list[Path]:
    """Whole processors; the zones inside them, and the same ones by another way of access, would count twice."""
    return sorted(zone for zone in powercap.glob("intel-rapl:*") if zone.name.count(":") == 1)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # root alone may read it on many machines
        return None


def _gpus() -> list[Counter]:
    try:
        import pynvml

        pynvml.nvmlInit()
        devices = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
    except Exception:  # no library, no driver, no GPU
        return []

    def joules_of(device: object) -> Counter:
        def read() -> float | None:
            try:
                return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(device)) / 1e3
            except pynvml.NVMLError:  # older than Volta
                return None

        return read

    return [joules_of(device) for device in devices]
