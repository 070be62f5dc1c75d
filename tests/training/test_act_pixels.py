"""ACT from images: what it learns it sees, and ONNX sees the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trunnion_contract.act_training import ActTraining
from trunnion_contract.bundle import MODEL
from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.progress import Silent
from trunnion_contract.strict import read_json
from trunnion_contract.usecase import Export, Gates, ParityLimits, UseCase
from trunnion_edge.exported import load_export
from trunnion_edge.policy import Policy
from trunnion_training.export import export
from trunnion_training.policy import chunks
from trunnion_training.policy.act import learn_act
from trunnion_training.policy.demonstrations import Demonstrations, Episode, demonstrate
from trunnion_training.policy.environment import Task, open_environment
from trunnion_training.policy.exportable import load_policy
from trunnion_training.policy.methods import train_policy
from trunnion_training.policy.players import Players
from trunnion_training.policy.playing import assess, play_once

ENV = "tests/PixelPoint-v0"
SETTINGS = ActTraining(
    demonstrations=150, epochs=25, chunk=2, replan_every=1, width=32, layers=1, heads=2, kl_weight=1.0,
    learning_rate=3e-3, batch=32,
)  # fmt: skip
SHORT = SETTINGS.model_copy(update={"epochs": 2, "width": 16})

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def pixel_point(monkeypatch: pytest.MonkeyPatch) -> str:
    """The package that registers a small environment with an image; worker processes find it too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return "pixel_point"


@pytest.fixture
def task(pixel_point: str) -> Task:
    return Task(ENV, pixel_point)


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> Demonstrations:
    """150 episodes of the expert, with what was seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        return demonstrate(Task(ENV, "pixel_point"), 150, 0, tmp_path_factory.mktemp("seen"), Silent())


@pytest.fixture(scope="module")
def learnt(demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a policy that learnt from them."""
    folder = tmp_path_factory.mktemp("learnt")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        learn_act(Task(ENV, "pixel_point"), SETTINGS, demonstrations, folder, Silent())
    return folder


class InTheDark:
    """The robot's own policy, whose camera is covered."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self.spec, self.forget = policy, policy.spec, policy.forget

    def act(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._policy.act({**given, "image": np.zeros_like(given["image"])})


def test_a_policy_that_sees_finds_what_one_in_the_dark_does_not(learnt: Path, task: Task) -> None:
    from trunnion_training.policy.exportable import as_played

    env, policy = open_environment(task), load_policy(learnt)
    assert policy.spec.image is not None
    assert policy.spec.image.shape == ("N", 24, 24, 3)
    blind: Any = InTheDark(as_played(policy))
    found_blindly = sum(play_once(env, blind, seed).success for seed in range(60))
    found = sum(play_once(env, as_played(policy), seed).success for seed in range(60))
    assert found >= 51
    assert found_blindly <= 30


def test_episodes_keep_what_was_seen(demonstrations: Demonstrations) -> None:
    episode = demonstrations.episodes[0]
    assert episode.images is not None
    assert episode.images.shape == (len(episode.actions), 24, 24, 3)
    assert episode.images.dtype == np.uint8
    assert episode.images.max() == 255


class Stopped(Exception):
    """Somebody stopped the training."""


class Stopping(Silent):
    """Progress that stops the training at the end of its first epoch."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        if steps:
            raise Stopped


def test_what_was_stopped_goes_on_and_ends_with_the_same_weights(
    task: Task, demonstrations: Demonstrations, tmp_path: Path
) -> None:
    few = Demonstrations(demonstrations.episodes[:12], 12)
    learn_act(task, SHORT, few, tmp_path / "whole", Silent())
    with pytest.raises(Stopped):
        learn_act(task, SHORT, few, tmp_path / "stopped", Stopping())
    learn_act(task, SHORT, few, tmp_path / "stopped", Silent())
    for name in ("policy.pt", "policy_metrics.json", "policy_held_out_images.npy"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()


def test_a_use_case_exports_a_policy_that_sees_within_parity(
    pixel_point: str, usecase_of: Callable[..., UseCase], tmp_path: Path
) -> None:
    asked = {
        "env": ENV, "env_package": pixel_point, "env_options": {"side_px": 32}, "method": "act",
        "demonstrations": 12, "epochs": 2, "batch": 32,
        "act": {"chunk": 2, "replan_every": 2, "width": 16, "layers": 1, "heads": 2},
    }  # fmt: skip
    short = Export(parity=ParityLimits(episodes=5))
    usecase = usecase_of(asked).model_copy(update={"export": short})
    train_policy(usecase, tmp_path / "train", Silent())
    export(usecase, tmp_path / "no data", tmp_path / "train", tmp_path / "export", Silent())
    model = read_json(ModelManifest, tmp_path / "export" / MODEL)
    assert model.policy is not None
    assert model.policy.env_options == {"side_px": 32}
    assert model.policy.episodes is not None
    assert model.policy.episodes.passed
    assert model.policy.parity[0].passed
    with Policy.from_model(*load_export(tmp_path / "export")) as policy:
        policy.warm_up()
        env = open_environment(Task(ENV, pixel_point, options={"side_px": 32}))
        assert len(play_once(env, policy, 0).observations) >= 1
        smaller = open_environment(Task(ENV, pixel_point))
        with pytest.raises(BadInput, match=r"got uint8 \[24, 24, 3\], wanted uint8 \[32, 32, 3\]"):
            play_once(smaller, policy, 0)


def test_learning_tells_how_far_it_came(learnt: Path, task: Task) -> None:
    history = json.loads((learnt / "policy_metrics.json").read_text())["history"]["validation"]
    assert history[-1] < history[0] / 2
    with Players(task, workers=1) as players:
        assert assess(players, load_policy(learnt), 10, Gates()).episodes == 10


@pytest.mark.parametrize("method", ["clone", "dagger"])
def test_a_method_that_sees_nothing_is_refused_where_there_is_something_to_see(
    pixel_point: str, usecase_of: Callable[..., UseCase], tmp_path: Path, method: str
) -> None:
    asked = {"env": ENV, "env_package": pixel_point, "method": method, "demonstrations": 3, "epochs": 1}
    with pytest.raises(BadInput, match=f"method {method}, which sees none, wanted method act"):
        train_policy(usecase_of(asked), tmp_path, Silent())


def test_demonstrations_without_images_are_refused(
    task: Task, demonstrations: Demonstrations, tmp_path: Path
) -> None:
    blind = tuple(Episode(e.observations, e.actions) for e in demonstrations.episodes[:3])
    message = r"got 2 numbers observed and 2 in an action, wanted 2 and 2, with images of \[24, 24, 3\]"
    with pytest.raises(BadInput, match=message):
        learn_act(task, SHORT, Demonstrations(blind, 3), tmp_path, Silent())


def test_more_images_than_memory_is_meant_for_are_refused(
    task: Task, demonstrations: Demonstrations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "IMAGES_MAX_BYTES", 1 << 20)
    with pytest.raises(BadInput, match="fewer demonstrations or smaller images"):
        learn_act(task, SHORT, Demonstrations(demonstrations.episodes * 3, 450), tmp_path, Silent())


@pytest.mark.parametrize(
    ("env_id", "message"),
    [("tests/TwoCameras-v0", "one camera"), ("tests/Grey-v0", r"pixels \[24, 24, 1\], wanted one image")],
)
def test_images_that_no_policy_takes_are_refused(pixel_point: str, env_id: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_environment(Task(env_id, pixel_point))
