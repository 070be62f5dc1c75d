"""A proof as Markdown, for a comment on a pull request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from trunnion_contract.proof import Comparison, Proof, ScenarioResult

FAILURES_MAX = 10
_MARKUP = re.compile(r"([\\`*_\[\]|~#@])")


def markdown(proof: Proof) -> str:
    """The verdict, the gates, the scenarios, the pairs against the champion, and how to play failures again."""
    failed = sum(not gate.passed for gate in proof.gates)
    verdict = f"{failed} of {len(proof.gates)} gates failed" if failed else "every gate passed"
    rows = [*proof.scenarios, *([proof.policy] if proof.policy else [])]
    gates = [
        (
            "passed" if gate.passed else "**FAILED**",
            *map(_plain, (gate.name, gate.got, gate.wanted, gate.note)),
        )
        for gate in proof.gates
    ]
    parts = [
        f"### {_plain(proof.name)} {_plain(proof.version)}: {verdict}",
        _table(("", "gate", "got", "wanted", "note"), gates),
        _scenarios(rows) if rows else "",
        _comparison(proof.comparison) if proof.comparison else "",
        _failures(proof.name, rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _scenarios(rows: Sequence[ScenarioResult]) -> str:
    cells = [
        (
            _plain(row.name),
            f"{row.success.successes} of {row.success.trials}"
            + (", stopped early" if row.stopped_early else ""),
            f"{row.success.lower:.3f} to {row.success.upper:.3f}",
            _figure(row.median_time_s, " s"),
            _figure(row.median_path_m, " m"),
            _figure(row.collisions),
            _figure(row.limit_violations),
        )
        for row in rows
    ]
    titles = ("scenario", "success", "95 %", "median time", "median path", "collisions", "violations")
    return _table(titles, cells)


def _comparison(comparison: Comparison) -> str:
    cells = [
        (
            _plain(row.name),
            str(row.pairs),
            str(row.only_candidate),
            str(row.only_champion),
            f"{row.p_value:.3g}",
            f"{row.p_worse:.3g}",
        )
        for row in (*comparison.scenarios, comparison.overall)
    ]
    titles = (f"against {_plain(comparison.champion)}", "pairs", "won", "lost", "p", "p, worse")
    return _table(titles, cells)


def _failures(name: str, rows: Sequence[ScenarioResult]) -> str:
    failures = [(row.name, failure) for row in rows for failure in row.failures]
    lines = [
        f"- {_plain(scenario)}, seed {failure.seed}: {_plain(failure.reason)}"
        for scenario, failure in failures[:FAILURES_MAX]
    ]
    if not lines:
        return ""
    more = [f"- and {len(failures) - FAILURES_MAX} more"] if len(failures) > FAILURES_MAX else []
    again = f"`trunnion replay SEED --scenario NAME --run runs/{name}` plays one again."
    return "\n".join(["Episodes that failed:", "", *lines, *more, "", again])


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that a page shows as it is: no markup, no HTML, nobody called by name, on one line."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _figure(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:g}{unit}"
