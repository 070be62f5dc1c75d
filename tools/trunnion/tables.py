"""What a person reads at the end: the table of gates, and where everything is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from trunnion_contract.dataset import Dataset, SplitName
from trunnion_contract.proof import Comparison, Gate

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


def print_gates(console: Console, gates: Iterable[Gate]) -> None:
    """One line a gate, with its verdict in words as well as in colour."""
    table = Table("gate", "got", "wanted", "verdict", "note", title="Gates", title_justify="left")
    for gate in gates:
        verdict = "[green]passed[/]" if gate.passed else "[bold red]FAILED[/]"
        table.add_row(gate.name, gate.got, gate.wanted, verdict, gate.note)
    console.print(table)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Scenario by scenario, the pairs of episodes in which only one of the two succeeded."""
    title = f"Against {comparison.champion}, pair by pair (McNemar's exact test)"
    table = Table(
        "scenario", "pairs", "won", "lost", "p", "p, worse", "seeds lost", title=title, title_justify="left"
    )
    for row in (*comparison.scenarios, comparison.overall):
        table.add_row(
            row.name.replace("_", " "),
            *map(str, (row.pairs, row.only_candidate, row.only_champion)),
            f"{row.p_value:.3g}",
            f"{row.p_worse:.3g}",
            _some(row.seeds_only_champion),
        )
    console.print(table)


def _some(seeds: Sequence[int], most: int = 5) -> str:
    more = f" and {len(seeds) - most} more" if len(seeds) > most else ""
    return ", ".join(map(str, seeds[:most])) + more


def print_dataset(console: Console, dataset: Dataset) -> None:
    """What is in the dataset, and what was dropped or mended on the way."""
    table = Table("split", "images", *(f"{name} boxes" for name in dataset.classes))
    for split in SPLITS:
        table.add_row(
            split, str(dataset.images[split]), *(str(dataset.boxes[split][name]) for name in dataset.classes)
        )
    console.print(table)
    found = ", ".join(f"{name} {count}" for name, count in dataset.findings.items() if count)
    console.print(f"cleaning: {found or 'nothing to mend'}", highlight=False)


def print_places(console: Console, places: Mapping[str, Path | str]) -> None:
    """Name and place, each on a line of its own so that it can be copied."""
    width = max(len(name) for name in places)
    for name, place in places.items():
        console.print(f"{name:<{width}}  {place}", highlight=False, soft_wrap=True)
