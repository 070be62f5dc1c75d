"""Minari's form, through Minari's own library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import minari
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from minari.data_collector import EpisodeBuffer
from tests.training.demonstrated import HEADER, demonstrated, episodes, same

from trunnion_contract.errors import BadInput
from trunnion_training.policy.exchange.demonstrated import Wishes
from trunnion_training.policy.exchange.minari_form import is_minari, read_minari, write_minari

NOTHING = Wishes()
# Minari asks whoever makes a data set for their name and more.
pytestmark = pytest.mark.filterwarnings("ignore:.*is set to None|.*is None, no environment:UserWarning")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Minari keeps its data sets."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    return tmp_path


def test_a_round_trip_changes_nothing(root: Path) -> None:
    write_minari(root / "point-v0", demonstrated())
    read = read_minari(root / "point-v0", NOTHING)
    assert read.header == HEADER
    assert all(same(a, b) for a, b in zip(episodes(), read.episodes, strict=True))


def test_minari_itself_finds_and_reads_what_was_written(root: Path) -> None:
    write_minari(root / "point-v0", demonstrated())
    dataset = minari.load_dataset("point-v0")
    assert (dataset.total_episodes, dataset.total_steps) == (3, 18)
    assert dataset.action_space == Box(np.array([-1, -1, 0], np.float32), np.array([1, 1, 0.08], np.float32))
    first, second, third = dataset.iterate_episodes()
    np.testing.assert_array_equal(first.observations[:-1], episodes()[0].observations)
    np.testing.assert_array_equal(first.observations[-1], first.observations[-2])
    assert (first.rewards.sum(), first.terminations[-1], first.truncations[-1]) == (1, True, False)
    assert (second.rewards.sum(), second.terminations[-1], second.truncations[-1]) == (0, False, True)
    assert "is_success" not in third.infos


def foreign(root: Path, observation: Any, action: Any, rows: Any, **infos: Any) -> Path:
    """A data set that Minari made from three steps."""
    buffer = EpisodeBuffer(
        id=0, observations=rows, actions=np.zeros((3, 2)) if isinstance(action, Box) else np.zeros(3, np.int64),
        rewards=[0.0, 0.0, 1.0], terminations=[False, False, True], truncations=[False] * 3, infos=infos,
    )  # fmt: skip
    minari.create_dataset_from_buffers(
        "foreign-v3", [buffer], observation_space=observation, action_space=action, data_format="hdf5"
    )
    return root / "foreign-v3"


def test_foreign_data_are_taken_for_what_they_say(root: Path) -> None:
    """Dictionaries are laid end to end; where a space has no bounds, those of the data are taken."""
    space = Dict({"desired_goal": Box(-1, 1, (1,)), "observation": Box(-np.inf, np.inf, (2,))})
    rows = {"desired_goal": np.full((4, 1), 0.5), "observation": np.arange(8.0).reshape(4, 2)}
    folder = foreign(root, space, Box(-2, 2, (2,)), rows, success=np.array([False, False, False, True]))
    read = read_minari(folder, Wishes(rate_hz=25))
    assert [(entry.name, entry.low, entry.high) for entry in read.header.observation] == [
        ("desired_goal.0", -1, 1), ("observation.0", 0, 6), ("observation.1", 1, 7),
    ]  # fmt: skip
    assert read.header.env == "foreign-v3"
    assert "rewards" in read.left_out
    (episode,) = read.episodes
    assert episode.observations.tolist() == [[0.5, 0, 1], [0.5, 2, 3], [0.5, 4, 5]]
    assert episode.success is True


def test_foreign_data_without_a_rate_are_refused(root: Path) -> None:
    folder = foreign(root, Box(-1, 1, (2,)), Box(-2, 2, (2,)), np.zeros((4, 2)))
    with pytest.raises(BadInput, match=r"got no rate.*--rate-hz"):
        read_minari(folder, NOTHING)
    assert next(iter(read_minari(folder, Wishes(rate_hz=25)).episodes)).success is None


@pytest.mark.parametrize("space", [Discrete(3), Box(-1, 1, (2, 2))])
def test_spaces_that_are_no_vectors_are_refused(root: Path, space: gymnasium.Space[Any]) -> None:
    action = space if isinstance(space, Discrete) else Box(-2, 2, (2,))
    observation = Box(-1, 1, (2,)) if isinstance(space, Discrete) else space
    folder = foreign(root, observation, action, np.zeros((4, *observation.shape)))
    with pytest.raises(BadInput, match="wanted vectors of numbers"):
        read_minari(folder, Wishes(rate_hz=25))


def test_nan_is_refused(root: Path) -> None:
    folder = foreign(
        root, Box(-1, 1, (2,)), Box(-2, 2, (2,)), np.array([[0, 0], [0, np.nan], [0, 0], [0, 0]])
    )
    with pytest.raises(BadInput, match=r"episode 0, frame 1: observation\[1\]: got nan"):
        list(read_minari(folder, Wishes(rate_hz=25)).episodes)


def test_a_cut_file_is_refused(root: Path) -> None:
    write_minari(root / "point-v0", demonstrated())
    file = root / "point-v0" / "data" / "main_data.hdf5"
    file.write_bytes(file.read_bytes()[:1000])
    assert is_minari(root / "point-v0")
    with pytest.raises(BadInput, match="cut or damaged"):
        list(read_minari(root / "point-v0", NOTHING).episodes)


def test_a_name_that_is_none_of_minaris_is_refused(root: Path) -> None:
    with pytest.raises(BadInput, match="wanted one with a version"):
        write_minari(root / "point", demonstrated())
    with pytest.raises(BadInput, match="got pictures"):
        write_minari(root / "point-v0", demonstrated(images=True))
    assert list(root.iterdir()) == []
