"""An episode of a proof is played again: to the last bit, filmed and logged, or refused with what there is."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path

import av
import pytest
from tests.sim.proof_setting import Setting

from trunnion_contract.bundle import PROOF
from trunnion_contract.errors import BadInput, Broken
from trunnion_contract.proof import Proof
from trunnion_contract.strict import read_json
from trunnion_sim.prove import JOURNAL
from trunnion_sim.replay import replay


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory, networks: dict[str, bytes]) -> Setting:
    setting = Setting(tmp_path_factory.mktemp("replay") / "run", networks)
    setting.prove()
    return setting


def test_a_failure_is_played_again_told_filmed_and_logged(setting: Setting, tmp_path: Path) -> None:
    failure = read_json(Proof, setting.folder / "prove" / PROOF).scenarios[0].failures[1]
    told: list[str] = []
    played = replay(setting.folder, failure.seed, told.append, "nominal", film_dir=tmp_path)
    assert (played.result.reason, played.in_proof) == (failure.reason, True)
    assert any("looking into the tray" in line for line in told)
    assert failure.log is not None
    assert (tmp_path / failure.log).read_bytes() == setting.read("prove", failure.log)
    assert failure.picture is not None
    assert (tmp_path / failure.picture).read_bytes() == setting.read("prove", failure.picture)


def test_the_film_is_h264_and_the_log_has_a_line_for_every_period(setting: Setting) -> None:
    failure = read_json(Proof, setting.folder / "prove" / PROOF).scenarios[0].failures[0]
    assert failure.picture is not None
    assert failure.log is not None
    with av.open(str(setting.folder / "prove" / failure.picture)) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 240)
        frames = len(list(film.decode(video=0)))
    lines = [json.loads(line) for line in setting.read("prove", failure.log).splitlines()]
    assert [round(line["t_s"] * 20) for line in lines] == list(range(len(lines)))
    assert frames == ceil(len(lines) / 8)
    assert lines[0]["phase"]
    assert {part[0] for part in lines[0]["parts"]} <= {"gear", "bolt", "nut"}


def test_a_seed_that_failed_in_one_place_needs_no_scenario(setting: Setting) -> None:
    assert not replay(setting.folder, 100_000, len).result.success
    with pytest.raises(BadInput, match=r"more than one scenario, wanted one of nominal, late"):
        replay(setting.folder, 200_000, len)


def test_an_episode_that_is_not_in_the_proof_is_played_and_said_to_be_new(setting: Setting) -> None:
    assert not replay(setting.folder, 31, len, "nominal").in_proof


def test_another_episode_than_the_recorded_one_is_an_error(setting: Setting, tmp_path: Path) -> None:
    journal = setting.read("prove", JOURNAL).decode().splitlines()
    other = [line.replace('"trajectory_sha256": "', '"trajectory_sha256": "0') for line in journal]
    (tmp_path / JOURNAL).write_text("\n".join(other))
    (tmp_path / "suite.json").write_bytes(setting.read("prove", "suite.json"))
    with pytest.raises(Broken, match="scenario nominal, seed 200000"):
        replay(setting.folder, 200_000, len, "nominal", proof_dir=tmp_path)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"scenario": "nominall"}, "nominal, late, policy_alone"),
        ({"scenario": "nominal", "window": True}, "no display"),
    ],
)
def test_what_cannot_be_played_or_shown_is_refused(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, asked: dict[str, object], message: str
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(BadInput, match=message):
        replay(setting.folder, 200_000, len, **asked)  # type: ignore[arg-type]
