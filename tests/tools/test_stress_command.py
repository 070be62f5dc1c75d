"""`trunnion stress` and the schemas of what it reads and writes."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(("of", "title"), [("suite", "Trunnion suite"), ("stress", "Trunnion stress space")])
def test_the_schema_of_suites_and_spaces_is_printed(trunnion, of, title):
    answer = trunnion("schema", of)
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["title"] == title


def test_a_folder_that_is_no_run_is_bad_input(trunnion, tmp_path):
    answer = trunnion("stress", tmp_path)
    assert answer.returncode == 2
    assert "usecase.json" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_space_with_an_unknown_key_is_refused_with_the_one_that_was_meant(trunnion, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text(
        "{schema: 1, name: s, version: 1.0.0, trials: 1, episodes: 1, search: {lihgt: {choice: [1]}}}"
    )
    answer = trunnion("stress", tmp_path, "--space", space)
    assert answer.returncode == 2
    assert "did you mean 'light'?" in answer.stderr
