"""A journal holds what was written wholly, whoever wrote it and whatever became of them."""

from __future__ import annotations

from trunnion.bench.order_soak.journal import Journal, lines_of


def test_a_line_that_a_kill_cut_short_is_none(tmp_path):
    (tmp_path / "begun").write_text("a\nb c\na\nha")
    assert lines_of(tmp_path / "begun") == ["a", "b c", "a"]


def test_a_journal_that_is_not_there_has_no_lines(tmp_path):
    assert lines_of(tmp_path / "begun") == []


def test_who_comes_later_writes_on(tmp_path):
    for line in ("a", "b"):
        with Journal(tmp_path / "begun") as journal:
            journal.write(line)
    assert lines_of(tmp_path / "begun") == ["a", "b"]
