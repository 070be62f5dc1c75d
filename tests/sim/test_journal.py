from __future__ import annotations

from pathlib import Path

import pytest

from trunnion_sim.journal import Journal, recorded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Journal(tmp_path / "journal.jsonl", "inputs") as journal:
        journal.add("a", {"success": True})
        journal.add("b", {"success": False, "reason": "a\nb"})
    return tmp_path / "journal.jsonl"


def _results(path: Path, inputs: str = "inputs") -> dict[str, object]:
    with Journal(path, inputs) as journal:
        return dict(journal.results)


def test_what_was_added_is_there_again(path: Path) -> None:
    assert _results(path) == {"a": {"success": True}, "b": {"success": False, "reason": "a\nb"}}


def test_a_journal_of_other_inputs_is_begun_anew(path: Path) -> None:
    assert _results(path, "other inputs") == {}
    assert _results(path, "inputs") == {}


def test_a_journal_cut_anywhere_keeps_its_whole_lines_and_goes_on(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        cut = tmp_path / "cut.jsonl"
        cut.write_bytes(whole[:length])
        with Journal(cut, "inputs") as journal:
            kept = set(journal.results)
            journal.add("c", 3)
        assert kept <= {"a", "b"}
        assert _results(cut).keys() == kept | {"c"}
    assert kept == {"a"}


def test_a_file_that_is_no_journal_is_begun_anew(tmp_path: Path) -> None:
    for content in (b"\n", b"[]\n", b"\xff\xfe\n", b"{}\n{}\n"):
        (tmp_path / "j").write_bytes(content)
        assert _results(tmp_path / "j") == {}


def test_what_was_read_back_is_in_the_order_in_which_it_was_added(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "inputs") as journal:
        journal.add("detector", {"nut": 1, "bolt": 2})
    with Journal(tmp_path / "j", "inputs") as journal:
        assert list(journal.results["detector"]) == ["nut", "bolt"]


def test_what_is_recorded_can_be_read_without_touching_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, "inputs") as journal:
        journal.add("a", {"success": True})
    with path.open("ab") as file:
        file.write(b'{"key": "b", "resu')
    before = path.read_bytes()
    assert recorded(path) == {"a": {"success": True}}
    assert path.read_bytes() == before
    assert recorded(tmp_path / "missing.jsonl") == {}
