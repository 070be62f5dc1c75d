"""`report.html`: the proof as a page for people, in one file that asks the network for nothing."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from trunnion_contract.manifest import DetectorVariant, ModelManifest, Parity
from trunnion_contract.proof import DetectorEvaluation, Proof, Rate, ScenarioResult, VariantProof

_MIME = {".jpg": "image/jpeg", ".png": "image/png", ".mp4": "video/mp4"}
_STEP = 0.1


@dataclass(frozen=True)
class Picture:
    """A picture for the report: a JPEG or PNG file's bytes, or a film's, as MP4."""

    caption: str
    suffix: str
    data: bytes

    @property
    def uri(self) -> str:
        """The picture as an address that holds all of it."""
        return f"data:{_MIME[self.suffix]};base64,{base64.b64encode(self.data).decode()}"


@dataclass(frozen=True)
class Pictures:
    """What the report shows beside numbers.

    Attributes:
        samples: images of the test split with what was found in them.
        failures: films, keyed by the file name that the proof gives.
        curves: how each model learnt, where training drew it.
    """

    samples: Sequence[Picture] = ()
    failures: Mapping[str, Picture] = field(default_factory=dict)
    curves: Sequence[Picture] = ()


@dataclass(frozen=True)
class Cell:
    """One field of the confusion matrix; `share` is of its row."""

    count: int | None
    share: float
    right: bool

    @property
    def look(self) -> str:
        """The style of the field."""
        if not self.count:
            return "none"
        return "wrong" if not self.right else "strong" if self.share > 0.55 else "right"

    @property
    def tint(self) -> float:
        """How strongly the field is coloured: never so faintly that it could be overlooked."""
        return round(0.15 + 0.85 * self.share if self.right else 0.18 + 0.5 * self.share, 3)


def render(proof: Proof, model: ModelManifest, pictures: Pictures) -> str:
    """The whole page. The same input gives the same text."""
    rows = _success_rows(proof)
    return _template().render(
        proof=proof,
        model=model,
        pictures=pictures,
        rows=rows,
        axis=_axis([row.success for row in rows], [row.success_lower_min for row in rows]),
        confusion=_confusion(proof.detector) if proof.detector else (),
        parities=_parities(model),
        precisions=_precisions(proof, model),
        failures=[(result, failure) for result in rows for failure in result.failures],
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "short": _short, "figure": _figure, "replayed": _replayed}
    return environment.get_template("page.html.j2")


def _success_rows(proof: Proof) -> list[ScenarioResult]:
    """Everything that has a success rate, the closed loop first."""
    nominal = [variant.nominal for variant in proof.variants if variant.nominal]
    return [*proof.scenarios, *nominal, *([proof.policy] if proof.policy else [])]


def _axis(rates: Sequence[Rate], gates: Sequence[float | None]) -> list[float]:
    """The marks of the axis: whole tenths from below everything shown up to 1."""
    lowest = min([rate.lower for rate in rates] + [gate for gate in gates if gate is not None], default=0.0)
    first = min(max(math.floor(lowest / _STEP) * _STEP, 0.0), 1 - 2 * _STEP)
    return [round(first + index * _STEP, 2) for index in range(round((1 - first) / _STEP) + 1)]


def _confusion(detector: DetectorEvaluation) -> list[list[Cell]]:
    last = len(detector.confusion) - 1
    return [
        [
            # Where nothing is and nothing was found there is nothing to count.
            Cell(None if row == column == last else count, count / max(sum(counts), 1), row == column)
            for column, count in enumerate(counts)
        ]
        for row, counts in enumerate(detector.confusion)
    ]


def _parities(model: ModelManifest) -> list[tuple[str, str, Parity]]:
    return [
        (network.file, unit, parity)
        for network, unit in ((model.detector, " px"), (model.policy, ""))
        if network
        for parity in network.parity
    ]


def _precisions(proof: Proof, model: ModelManifest) -> list[tuple[DetectorVariant, VariantProof]]:
    """Each network of less precision with its proof."""
    proven = {variant.precision: variant for variant in proof.variants}
    variants = model.detector.variants if model.detector else ()
    return [(variant, proven[variant.precision]) for variant in variants if variant.precision in proven]


def _replayed(name: str) -> str:
    """The name of a result as the arguments that play it again: "nominal, int8" has a precision in it."""
    return name.replace(", ", " --precision ")


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def _short(digest: str) -> str:
    return digest[:12]


def _figure(value: float) -> str:
    return f"{value:.2g}"
