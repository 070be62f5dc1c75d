"""Training curves as a small picture, to see whether learning went on, ended or went astray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from trunnion_contract.files import whole_file


def draw_curves(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    target: Path,
    over: tuple[str, Sequence[float]] | None = None,
) -> None:
    """Draw one panel for each key: named curves over `over`, its name and values, or epochs counted from 1."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(panels), 3), layout="constrained")
    for axes, (title, curves) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for name, values in curves.items():
            places = over[1][: len(values)] if over else range(1, len(values) + 1)
            axes.plot(places, values, marker="." if len(values) < 30 else None, label=name)
        axes.set(title=title, xlabel=over[0] if over else "epoch")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    with whole_file(target) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
