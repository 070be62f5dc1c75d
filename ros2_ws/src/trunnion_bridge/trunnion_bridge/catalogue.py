"""What can be ordered: the parts that the detector knows, the bins that the cell has, and how much fits."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trunnion_bridge.models import BundleInfo, OrderRequest
from trunnion_bridge.problem import Refused
from trunnion_contract.bundle import open_bundle
from trunnion_contract.cell import CellLayout
from trunnion_contract.errors import BadInput


@dataclass(frozen=True)
class Catalogue:
    """What one cell offers."""

    name: str
    version: str
    digest: str
    parts: tuple[str, ...]
    layout: CellLayout

    @property
    def bins(self) -> tuple[str, ...]:
        """Names of the bins."""
        return tuple(self.layout.bins)

    @property
    def order_parts_max(self) -> int:
        """How many parts fit into the tray with room for the opened gripper around each."""
        pitch_m = self.layout.limits.opening_max_m
        columns, rows = (max(1, int(side_m / pitch_m + 1e-9)) for side_m in self.layout.tray.size_m)
        return columns * rows

    def check(self, request: OrderRequest) -> None:
        """Raises Refused for an order that this cell can never carry out."""
        if request.bin not in self.bins:
            raise _unknown("unknown-bin", "bin", request.bin, self.bins)
        seen: set[str] = set()
        for index, line in enumerate(request.lines):
            if line.part not in self.parts:
                raise _unknown("unknown-part", f"lines.{index}.part", line.part, self.parts)
            if line.part in seen:
                raise Refused(
                    "duplicate-part",
                    where=f"lines.{index}.part",
                    got=f"'{line.part}' for the second time",
                    wanted="each part in one line",
                    next_step="add the quantities up in one line",
                )
            seen.add(line.part)
        self._check_total(request)

    def info(self) -> BundleInfo:
        """The catalogue as the API shows it."""
        return BundleInfo(
            name=self.name,
            version=self.version,
            digest=self.digest,
            parts=list(self.parts),
            bins=list(self.bins),
            order_parts_max=self.order_parts_max,
            layout=self.layout,
        )

    def _check_total(self, request: OrderRequest) -> None:
        total = sum(line.quantity for line in request.lines)
        if total > self.order_parts_max:
            # A number of any length may come in; one beyond this is not worth writing out.
            got = str(total) if total < 10**12 else "more than a million million"
            raise Refused(
                "too-many-parts",
                where="lines.0.quantity" if len(request.lines) == 1 else "lines",
                got=f"{got} parts",
                wanted=f"at most {self.order_parts_max} parts in one order",
                next_step="split it into several orders",
            )


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue of a bundle, which is verified first.

    Raises:
        BadInput: the bundle cannot be used, or is not of a cell with a detector.
    """
    bundle = open_bundle(path)
    detector, cell = bundle.model.detector, bundle.model.cell
    if detector is None or cell is None:
        raise BadInput(
            where=str(path),
            got="a bundle without a " + ("cell layout" if detector else "detector"),
            wanted="the bundle of a sorting cell",
            next_step="name a bundle whose use case has a detector and a `cell` section",
        )
    return Catalogue(
        name=bundle.manifest.name,
        version=bundle.manifest.version,
        digest=bundle.digest,
        parts=detector.spec.labels,
        layout=cell,
    )


def _unknown(code: str, where: str, got: str, known: Sequence[str]) -> Refused:
    near = difflib.get_close_matches(got, known, n=1, cutoff=0.6)
    next_step = f"did you mean '{near[0]}'?" if near else "choose one of those"
    return Refused(
        code, where=where, got=ascii(got), wanted=f"one of {', '.join(known)}", next_step=next_step
    )
