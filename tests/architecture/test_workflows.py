"""CI workflows can be read, ask for no more rights than they need, and call commands that there are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))
ACTIONS = {
    f"actions/{name}" for name in ("checkout", "setup-python", "cache", "upload-artifact", "github-script")
}
TRUNNION = Path(sys.executable).with_name("trunnion")
EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(request.param.read_text())
    return loaded


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_is_a_smoke_workflow() -> None:
    assert "smoke.yml" in [path.name for path in WORKFLOWS]


def test_it_runs_on_pull_requests_and_ends_by_itself(workflow: dict[Any, Any]) -> None:
    # YAML 1.1 reads the key `on` as true.
    assert "pull_request" in workflow[True]
    assert "pull_request_target" not in workflow[True]
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


def test_actions_are_the_known_ones_at_a_version(workflow: dict[Any, Any]) -> None:
    used = [step["uses"].partition("@") for step in steps(workflow) if "uses" in step]
    assert used
    assert {name for name, _, _ in used} <= ACTIONS
    assert all(re.fullmatch(r"v\d+(\.\d+){0,2}|[0-9a-f]{40}", version) for _, _, version in used)


def test_rights_are_the_least_and_no_secret_is_read(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job.get("permissions", {}).items() <= {"contents": "read", "pull-requests": "write"}.items()
    assert "secrets." not in yaml.safe_dump(workflow)
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_script_holds_text_that_others_write(workflow: dict[Any, Any]) -> None:
    """An expression in a script is pasted into it before it runs: a branch's name could be a command."""
    scripts = [step.get("run", "") + step.get("with", {}).get("script", "") for step in steps(workflow)]
    assert not any(EXPRESSION.search(script) for script in scripts)


def test_its_commands_know_their_options(workflow: dict[Any, Any]) -> None:
    called = [
        line.split()
        for step in steps(workflow)
        for line in step.get("run", "").splitlines()
        if line.startswith(".venv/bin/trunnion")
    ]
    assert called
    for _, command, usecase, *options in called:
        assert Path(usecase).is_file()
        answer = subprocess.run(
            [TRUNNION, command, "--help"], capture_output=True, text=True, env={"COLUMNS": "200"}, check=True
        )
        named = [option for option in options if option.startswith("--")]
        assert named
        # At the beginning of a line: a sentence of the help may name an option that is called otherwise.
        assert set(named) <= set(re.findall(r"^ +(--[a-z-]+)", answer.stdout, re.MULTILINE))
