"""What is kept of a failure of the policy alone, in environments that let themselves be drawn and in others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from tests.sim.foreign_reach import STEPS
from tests.sim.proof_setting import Setting

from trunnion_contract.bundle import REPORT
from trunnion_contract.errors import BadInput
from trunnion_contract.proof import Failure
from trunnion_sim import REACH_ID
from trunnion_sim.examiner import Examiner, Job, Subject
from trunnion_sim.moment import Moment
from trunnion_sim.replay import replay

Networks = dict[str, bytes]


@pytest.fixture(scope="module")
def failing(networks: Networks, reaching_policy: Callable[[float], bytes]) -> Networks:
    """A policy that stays where it is."""
    return {**networks, "policy.onnx": reaching_policy(0.0)}


def setting_of(folder: Path, networks: Networks, package: str, env_id: str) -> Setting:
    return Setting(
        folder,
        networks,
        policy_env=(package, env_id),
        policy_episodes=1,
        closed_loop=False,
        vectors_of=REACH_ID,
    )


def proven(setting: Setting) -> tuple[Failure, ...]:
    policy = setting.prove(workers=1).policy
    assert policy is not None
    return policy.failures


def test_a_failed_episode_of_a_task_leaves_a_film_a_log_and_a_seed_that_plays_it_again(
    tmp_path: Path, failing: Networks
) -> None:
    setting = setting_of(tmp_path / "run", failing, "trunnion_sim", REACH_ID)
    (failure,) = proven(setting)
    assert failure.picture == f"failures/policy_alone-{failure.seed}.mp4"
    assert failure.log is not None
    with av.open(str(setting.folder / "prove" / failure.picture)) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 252, 252)
        assert len(list(film.decode(video=0))) == 25, "every other one of 50"
    lines = [json.loads(line) for line in setting.read("prove", failure.log).splitlines()]
    assert len(lines) == 50
    assert [round(line["t_s"] * 25) for line in lines] == list(range(50))
    assert list(lines[0]["observation"]) == ["hand_table_m", "hand_table_mps", "goal_table_m"]
    assert lines[0]["action"] == {"hand_displacement": [0, 0, 0]}
    assert setting.read("prove", REPORT).count(b"data:video/mp4") == 1

    told: list[str] = []
    again = replay(setting.folder, failure.seed, told.append, film_dir=tmp_path)
    assert again.in_proof
    assert (tmp_path / failure.picture).is_file()
    assert (tmp_path / failure.log).read_bytes() == setting.read("prove", failure.log)
    assert [line.split(":")[0] for line in told] == ["film", "log"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Shaking", "drawing the environment changes its course"),
        ("Cracked", "the environment could not be drawn: no display"),
        ("Unseen", "no rgb_array among the environment's render modes"),
        ("Restless", "played again from its seed, the environment took another course"),
    ],
)
def test_an_environment_that_drawing_disturbs_is_proven_with_a_log_and_the_reason(
    tmp_path: Path, failing: Networks, foreign_reach: str, name: str, message: str
) -> None:
    setting = setting_of(tmp_path / "run", failing, foreign_reach, f"foreign/{name}-v0")
    (failure,) = proven(setting)
    assert failure.picture is None
    assert failure.unfilmed.startswith(message)
    assert failure.log is not None
    assert len(setting.read("prove", failure.log).splitlines()) == STEPS
    page = setting.read("prove", REPORT).decode()
    assert f"log: {failure.log}; no film: {message.split(chr(39))[0]}" in page
    assert "data:video/mp4" not in page


def test_what_cannot_be_drawn_is_filmed_by_its_log_alone_and_refused_in_a_window(
    tmp_path: Path, failing: Networks, foreign_reach: str
) -> None:
    setting = setting_of(tmp_path / "run", failing, foreign_reach, "foreign/Unseen-v0")
    proven(setting)
    seed = setting.usecase.prove.seed
    told: list[str] = []
    assert replay(setting.folder, seed, told.append, film_dir=tmp_path / "films").in_proof
    assert told[0].startswith("film: none, no rgb_array")
    with (
        Examiner(subject_of(setting)) as examiner,
        pytest.raises(BadInput, match="got human, wanted rgb_array"),
    ):
        examiner.show(Job("policy", "policy_alone", seed), lambda moment: None)


def subject_of(setting: Setting) -> Subject:
    usecase = setting.usecase
    return Subject(setting.export_dir, None, setting.folder, usecase.cell, None, usecase.models.policy)


def test_an_episode_of_the_policy_alone_is_shown_period_by_period(tmp_path: Path, failing: Networks) -> None:
    setting = setting_of(tmp_path / "run", failing, "trunnion_sim", REACH_ID)
    seen: list[Moment] = []
    with Examiner(subject_of(setting)) as examiner:
        examiner.show(Job("policy", "policy_alone", 7), seen.append)
        picture = seen[-1].picture()
    assert [round(moment.now_s * 25) for moment in seen] == list(range(50))
    assert picture is not None
    assert picture.shape == (84, 84, 3)
