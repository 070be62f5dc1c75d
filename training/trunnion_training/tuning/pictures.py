"""Pictures of a search: the Pareto front, parallel coordinates, and which setting mattered."""

from __future__ import annotations

import base64
import io
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trunnion_contract.tuning import UNITS, Dimension, Objective, Tuning, Value
from trunnion_training.tuning.choice import front
from trunnion_training.tuning.trials import TrialRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of Okabe and Ito's palette, told apart with any colour vision.
_PLAIN, _FRONT, _CHOSEN = "#56B4E9", "#0072B2", "#D55E00"
_PANEL_IN = 4.2


def pareto_picture(tuning: Tuning, complete: Sequence[TrialRecord], chosen: int) -> str:
    """Each pair of objectives, the front as a line, the chosen trial marked; an SVG as an address."""
    pairs = list(itertools.combinations(tuning.objectives, 2))
    if not pairs:
        return ""
    best = {trial.number for trial in front(tuning, complete)}
    figure, panels = _figure(len(pairs))
    for axes, (first, second) in zip(panels, pairs, strict=True):
        for trial in complete:
            colour = _CHOSEN if trial.number == chosen else _FRONT if trial.number in best else _PLAIN
            place = (trial.figures[first], trial.figures[second])
            axes.scatter(*place, color=colour, s=60 if trial.number == chosen else 28, zorder=3)
            axes.annotate(
                str(trial.number), place, xytext=(5, 4), textcoords="offset points", fontsize="x-small"
            )
        line = sorted(
            (trial.figures[first], trial.figures[second]) for trial in complete if trial.number in best
        )
        axes.plot(*zip(*line, strict=True), color=_FRONT, linewidth=1, alpha=0.6)
        axes.set(xlabel=f"{first} ({UNITS[first]})", ylabel=f"{second} ({UNITS[second]})")
        axes.grid(alpha=0.3)
    return _uri(figure)


def parallel_picture(tuning: Tuning, complete: Sequence[TrialRecord], chosen: int) -> str:
    """A line for each complete trial through its settings and figures; an SVG as an address."""
    columns = {name: _setting_places(dimension, name, complete) for name, dimension in tuning.space.items()}
    columns |= {name: _figure_places(name, complete) for name in tuning.objectives}
    figure, [axes] = _figure(1, width_in=max(2 * _PANEL_IN, 1.5 * len(columns)))
    for index, trial in enumerate(complete):
        mine = trial.number == chosen
        axes.plot(
            range(len(columns)), [places[index] for places, _, _ in columns.values()],
            color=_CHOSEN if mine else _PLAIN, linewidth=2.5 if mine else 1, alpha=1 if mine else 0.6,
            zorder=3 if mine else 2, marker=".",
        )  # fmt: skip
    for place, (_, low, high) in enumerate(columns.values()):
        axes.axvline(place, color="#999999", linewidth=0.8)
        for height, text in ((0.0, low), (1.0, high)):
            axes.annotate(
                text, (place, height), xytext=(0, -12 if not height else 5), ha="center",
                textcoords="offset points", fontsize="x-small",
            )  # fmt: skip
    axes.set_xticks(
        range(len(columns)), [_short(name) for name in columns], rotation=20, ha="right", fontsize="small"
    )
    axes.tick_params(axis="x", pad=12)
    axes.set_yticks([])
    axes.set_ylim(-0.08, 1.08)
    axes.spines[:].set_visible(False)
    return _uri(figure)


def importance_picture(importances: Mapping[Objective, Mapping[str, float]]) -> str:
    """How much each setting mattered to each objective; an SVG as an address."""
    if not importances:
        return ""
    figure, panels = _figure(len(importances))
    for axes, (objective, shares) in zip(panels, importances.items(), strict=True):
        ordered = sorted(shares.items(), key=lambda item: item[1])
        axes.barh([_short(name) for name, _ in ordered], [share for _, share in ordered], color=_FRONT)
        axes.set(title=objective, xlim=(0, 1), xlabel="share of importance")
        axes.tick_params(axis="y", labelsize="small")
    return _uri(figure)


def _setting_places(
    dimension: Dimension, name: str, complete: Sequence[TrialRecord]
) -> tuple[list[float], str, str]:
    """Heights 0 to 1 in the space, and what stands at both ends."""
    values: list[Value] = [trial.values[name] for trial in complete]
    if dimension.choice is not None:
        last = max(1, len(dimension.choice) - 1)
        places = [dimension.choice.index(value) / last for value in values]
        ends = (dimension.choice[0], dimension.choice[-1] if len(dimension.choice) > 1 else "")
        return places, *(_word(end) for end in ends)
    low, high = dimension.ends
    scale = math.log if dimension.log_uniform else float
    bottom, top = scale(float(low)), scale(float(high))
    return [(scale(float(value)) - bottom) / (top - bottom) for value in values], _word(low), _word(high)


def _figure_places(name: Objective, complete: Sequence[TrialRecord]) -> tuple[list[float], str, str]:
    values = [trial.figures[name] for trial in complete]
    low, high = min(values), max(values)
    return [(value - low) / ((high - low) or 1.0) for value in values], f"{low:.4g}", f"{high:.4g}"


def _short(setting: str) -> str:
    return setting.removeprefix("models.")


def _word(value: Value) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"…{text[-23:]}"


def _figure(panels: int, width_in: float | None = None) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in or _PANEL_IN * max(2, panels), 3.6), layout="constrained")
    return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def _uri(figure: Figure) -> str:
    """The same figure gives the same text: no date, no random names."""
    from matplotlib import rc_context

    drawn = io.BytesIO()
    with rc_context({"svg.hashsalt": "trunnion"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.getvalue()).decode()}"
