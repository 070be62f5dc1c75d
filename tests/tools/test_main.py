"""Every command ends in words and an agreed exit code, and starts at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMANDS = [
    "run",
    "data",
    "train",
    "export",
    "prove",
    "replay",
    "pack",
    "stress",
    "report",
    "feedback",
    "compare",
    "approve",
    "promote",
    "runs",
    "up",
    "order",
    "status",
    "demo",
    "doctor",
    "bench",
]


def test_help_names_every_command(trunnion):
    answer = trunnion("--help")
    assert answer.returncode == 0
    listed = [
        line.split()[0] for line in answer.stdout.partition("Commands:")[2].splitlines() if line.strip()
    ]
    assert set(COMMANDS) <= set(listed)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(trunnion, command):
    answer = trunnion(command, "--help")
    assert answer.returncode == 0
    assert "Usage: trunnion" in answer.stdout


def test_help_answers_within_its_time(trunnion):
    def seconds() -> float:
        began_s = time.perf_counter()
        trunnion("--help")
        return time.perf_counter() - began_s

    # The quickest of a few: a loaded machine must not decide.
    assert min(seconds() for _ in range(7)) < 0.4


def test_help_loads_nothing_heavy():
    program = "import sys; from trunnion.commands import app; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", program], text=True).split())
    assert not loaded & {
        "torch",
        "numpy",
        "pydantic",
        "rich",
        "cv2",
        "yaml",
        "httpx",
        "trunnion_sim",
        "rclpy",
    }


def words_of(error: str) -> dict[str, str]:
    """The four parts of an error as they are printed."""
    where, *rest = error.strip().splitlines()
    return {"where": where} | {line.split(":", 1)[0].strip(): line.split(":", 1)[1].strip() for line in rest}


@pytest.mark.parametrize(
    ("words", "where", "got"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml", "no such file"),
        (["run", "nowhere.yaml", "--until", "deploy"], "--until", "deploy"),
        (["order", "gear=many", "--bin", "B"], "order: gear", "'many'"),
        (["order", "gear", "--bin", "B"], "order", "'gear'"),
        (["order", "gear=1", "gear=2", "--bin", "B"], "order", "'gear' twice"),
        (["order", "gear=1", "--bin", "B", "--url", "nonsense"], "--url", "nonsense"),
        (["up"], "runs", "no packed bundle"),
        (["up", "--bundle", "missing.trunnion"], "missing.trunnion", "no such file"),
        (["bench", "weather"], "bench", "weather"),
    ],
)
def test_bad_input_says_where_got_wanted_next_and_exits_with_2(trunnion, words, where, got):
    answer = trunnion(*words)
    assert answer.returncode == 2, answer.stderr
    said = words_of(answer.stderr)
    assert said["where"] == where
    assert said["got"] == got
    assert said["wanted"]
    assert said["next"]


@pytest.mark.parametrize(
    "words", [["order"], ["fly"], ["run"], ["up", "--port", "0"], ["run", "--fast", "x.yaml"]]
)
def test_a_wrong_command_line_exits_with_2_and_points_to_help(trunnion, words):
    answer = trunnion(*words)
    assert answer.returncode == 2
    assert "trunnion --help" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_cell_that_is_not_there_is_named(trunnion, free_port):
    for words in (["status"], ["order", "gear=1", "--bin", "B"]):
        answer = trunnion(*words, "--url", f"http://127.0.0.1:{free_port}")
        assert answer.returncode == 3
        assert words_of(answer.stderr)["next"].startswith("start it with trunnion up")


def test_an_unexpected_error_is_one_line_and_a_file(trunnion, tmp_path):
    blocked = tmp_path / "runs"
    blocked.write_text("a file where a folder should be")
    answer = trunnion(
        "run", Path(__file__).parents[2] / "training/usecases/sorting_cell.yaml", TMPDIR=str(tmp_path)
    )
    assert answer.returncode == 3
    assert "Traceback" not in answer.stderr
    first, second = answer.stderr.strip().splitlines()
    assert first.startswith("trunnion broke: ")
    assert "Traceback" in Path(second.split(" is in ")[1]).read_text()
