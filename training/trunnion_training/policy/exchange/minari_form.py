"""Demonstrations in Minari's form (HDF5), read and written by Minari's own library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Space

from trunnion_contract.errors import BadInput
from trunnion_contract.manifest import Entry
from trunnion_contract.strict import json_value, parse, read_file
from trunnion_training.policy.exchange.demonstrated import Demonstrated, Wishes, data_set_folder, unreadable
from trunnion_training.policy.recorded_episode import Array, RecordedEpisode, check_episode
from trunnion_training.policy.recording_form import RecordingHeader

# Minari's own name for the folder inside a data set, and for what is in it.
_DATA, _METADATA = "data", "metadata.json"
# Where a recording's header stands among Minari's metadata.
_HEADER = "trunnion_recording"
_DATASET_ID = re.compile(r"[-_\w]+-v\d+")
_TWICE = "The last observation of every episode stands twice: what came after the last action was not kept."
_SUCCESS = ("is_success", "success")


def is_minari(path: Path) -> bool:
    """Whether a folder holds a Minari data set, or is the `data` of one."""
    return any(_is_data(folder) for folder in (path, path / _DATA))


def write_minari(folder: Path, demonstrated: Demonstrated) -> None:
    """Write a Minari data set, whole or not at all; `minari.load_dataset` finds it by the name of the folder.

    Minari has one observation more than actions, the one after the last step. Demonstrations do not hold it, so that
    the last one stands there twice. The reward is 1 where an episode ends in success, else 0.

    Raises:
        BadInput: the name is none of Minari's, there are pictures, or an episode is not what the header promises.
    """
    minari = _library()
    header = demonstrated.header
    if not _DATASET_ID.fullmatch(folder.name):
        raise unreadable(
            folder, f"the name {folder.name}", "one with a version, such as sorting-v0", "rename it"
        )
    if header.image:
        raise unreadable(folder, "pictures", "numbers only", "leave pictures out with --without-images")
    with data_set_folder(folder) as work:
        storage = minari.dataset.minari_dataset.MinariStorage.new(
            work / _DATA,
            observation_space=_space(header.observation),
            action_space=_space(header.action),
        )
        said = {
            "dataset_id": folder.name,
            "minari_version": minari.__version__,
            _HEADER: header.model_dump_json(by_alias=True),
            "description": _TWICE,
        }
        storage.update_metadata(said)
        storage.update_episodes(_buffers(demonstrated, str(folder)))


def read_minari(folder: Path, wishes: Wishes) -> Demonstrated:
    """Read a Minari data set of vectors, or of dictionaries of vectors, which are laid end to end.

    Raises:
        BadInput: it is damaged, its spaces are others, or nobody says at which rate it was recorded.
    """
    minari = _library()
    data = folder if _is_data(folder) else folder / _DATA
    try:
        dataset = minari.MinariDataset(data)
        metadata = json_value(read_file(data / _METADATA), str(data / _METADATA))
    except (OSError, ValueError, AssertionError, KeyError) as error:
        raise unreadable(
            data, f"a data set that does not open ({error})", "one that this Minari reads"
        ) from None
    header = _header(metadata, dataset, wishes, data)
    left_out = ("the observation after the last action", "rewards", "terminations", "truncations")
    return Demonstrated(header, _episodes(dataset, header, str(data)), left_out)


def _library() -> Any:
    try:
        import minari
        import minari.dataset.minari_dataset
    except ImportError as error:
        raise BadInput(
            where="Minari's form",
            got=f"no library that reads it ({error})",
            wanted="minari with hdf5",
            next_step="pip install 'trunnion-training[minari]'",
        ) from None
    return minari


def _is_data(folder: Path) -> bool:
    return (folder / _METADATA).is_file() and (folder / "main_data.hdf5").is_file()


def _space(entries: tuple[Entry, ...]) -> Box:
    low, high = (
        np.concatenate([np.full(entry.size, getattr(entry, end), np.float32) for entry in entries])
        for end in ("low", "high")
    )
    return Box(low, high, dtype=np.float32)


def _buffers(demonstrated: Demonstrated, where: str) -> Iterator[Any]:
    """Episodes as Minari takes them."""
    from minari.data_collector import EpisodeBuffer

    header = demonstrated.header
    for index, episode in enumerate(demonstrated.episodes):
        check_episode(episode, header.sizes, None, f"{where}: episode {index}")
        last = np.zeros(len(episode.actions), bool)
        last[-1] = True
        success = last & bool(episode.success)
        yield EpisodeBuffer(
            id=index,
            observations=np.vstack([episode.observations, episode.observations[-1:]]),
            actions=episode.actions,
            rewards=success.astype(np.float64),
            terminations=success,
            truncations=last & ~success,
            infos={} if episode.success is None else {"is_success": np.append(False, success)},
        )


def _header(metadata: Any, dataset: Any, wishes: Wishes, where: Path) -> RecordingHeader:
    """What the recording said of itself, where it came from one; else what can be told from the data set."""
    if _HEADER in metadata:
        return parse(
            RecordingHeader, json_value(metadata[_HEADER], f"{where}: {_HEADER}"), f"{where}: {_HEADER}"
        )
    if wishes.rate_hz is None:
        raise unreadable(where, "no rate", "how often was recorded, in Hz", "say it with --rate-hz")
    spaces = {"observation": dataset.observation_space, "action": dataset.action_space}
    vectors = {name: _vectors(name, space, where) for name, space in spaces.items()}
    seen = (
        _seen(dataset, str(where))
        if any(not _bounded(box) for boxes in vectors.values() for _, box in boxes)
        else {}
    )
    return RecordingHeader(
        schema=1,
        env=dataset.env_spec.id if dataset.env_spec else dataset.spec.dataset_id,
        rate_hz=wishes.rate_hz,
        observation=_entries(vectors["observation"], seen.get("observation")),
        action=_entries(vectors["action"], seen.get("action")),
    )


def _vectors(name: str, space: Space[Any], where: Path) -> list[tuple[str, Box]]:
    """The named vectors of a space, in order."""
    parts = list(space.spaces.items()) if isinstance(space, Dict) else [(name, space)]
    if not all(isinstance(part, Box) and len(part.shape) == 1 for _, part in parts):
        raise unreadable(where, f"{name} space {space}", "vectors of numbers", "choose another data set")
    return parts


def _entries(vectors: list[tuple[str, Box]], seen: tuple[Array, Array] | None) -> tuple[Entry, ...]:
    """One entry for each number; a space without bounds has those that were seen."""
    names = [f"{name}.{index}" for name, box in vectors for index in range(box.shape[0])]
    lows, highs = (np.concatenate([getattr(box, end) for _, box in vectors]) for end in ("low", "high"))
    if seen is not None:
        bounded = np.isfinite(lows) & np.isfinite(highs)
        lows, highs = (
            np.where(bounded, of_space, of_data)
            for of_space, of_data in zip((lows, highs), seen, strict=True)
        )
    return tuple(
        Entry(name=name, size=1, unit="unknown", low=float(low), high=float(high))
        for name, low, high in zip(names, lows, highs, strict=True)
    )


def _bounded(box: Box) -> bool:
    return bool(np.isfinite(box.low).all() and np.isfinite(box.high).all())


def _seen(dataset: Any, where: str) -> dict[str, tuple[Array, Array]]:
    """The lowest and highest of all numbers: one more pass over the data."""
    ends: dict[str, list[tuple[Array, Array]]] = {"observation": [], "action": []}
    for episode in _kept(dataset, where):
        for name, rows in (("observation", _flat(episode.observations)), ("action", _flat(episode.actions))):
            ends[name].append((rows.min(axis=0), rows.max(axis=0)))
    return {
        name: (np.min([low for low, _ in found], axis=0), np.max([high for _, high in found], axis=0))
        for name, found in ends.items()
    }


def _kept(dataset: Any, where: str) -> Iterator[Any]:
    """Minari's episodes."""
    try:
        yield from dataset.iterate_episodes()
    except (OSError, KeyError, ValueError, AssertionError) as error:  # what HDF5 raises on damaged files
        raise unreadable(where, f"a file that is cut or damaged ({error})", "a whole data set") from None


def _flat(rows: Any) -> Array:
    """Rows of vectors, or of dictionaries of them, in single precision; float32 [T, n]."""
    parts = list(rows.values()) if isinstance(rows, dict) else [rows]
    return np.hstack([np.asarray(part, np.float32) for part in parts])


def _episodes(dataset: Any, header: RecordingHeader, where: str) -> Iterator[RecordedEpisode]:
    for index, kept in enumerate(_kept(dataset, where)):
        actions = _flat(kept.actions)
        episode = RecordedEpisode(
            np.ascontiguousarray(_flat(kept.observations)[: len(actions)]), actions, _success(kept.infos)
        )
        check_episode(episode, header.sizes, None, f"{where}: episode {index}")
        yield episode


def _success(infos: Any) -> bool | None:
    """What the environment's infos say at the end; None where they say nothing."""
    for key in _SUCCESS:
        if infos and key in infos and len(infos[key]):
            return bool(infos[key][-1])
    return None
