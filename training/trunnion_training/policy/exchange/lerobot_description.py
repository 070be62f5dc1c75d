"""What a LeRobotDataset v3 says of itself, and which of its columns are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, Field

from trunnion_contract.manifest import Entry
from trunnion_contract.strict import Strict, json_value, parse, read_file, read_json
from trunnion_training.policy.exchange import lerobot_layout as layout
from trunnion_training.policy.exchange.demonstrated import unreadable
from trunnion_training.policy.recorded_episode import ImageForm
from trunnion_training.policy.recording_form import RecordingHeader

_OBSERVED = "observation"
_NUMBERS = ("float32", "float64")


class Feature(Strict):
    """One column of the data, as `meta/info.json` has it; what else is said of it is passed over."""

    model_config = ConfigDict(extra="ignore")
    dtype: str
    shape: tuple[int, ...]
    names: Any = None


class Info(Strict):
    """`meta/info.json`, as far as it is needed; LeRobot adds keys as it goes."""

    model_config = ConfigDict(extra="ignore")
    codebase_version: str
    fps: float = Field(gt=0)
    features: dict[str, Feature]
    total_episodes: int = Field(ge=0)
    total_frames: int = Field(ge=0)


@dataclass(frozen=True)
class Columns:
    """The columns that are read: numbers that are observed, in order, and a picture."""

    observed: tuple[str, ...]
    image: str | None


def read_info(folder: Path) -> Info:
    """The description, whose version is looked at before what else differs because of it."""
    value = json_value(read_file(folder / layout.INFO), str(folder / layout.INFO))
    version = value.get("codebase_version") if isinstance(value, dict) else None
    if not str(version).startswith("v3."):
        raise unreadable(
            folder / layout.INFO,
            f"codebase_version {version}",
            "v3",
            "convert it with LeRobot's own script convert_dataset_v21_to_v30",
        )
    return parse(Info, value, str(folder / layout.INFO))


def columns_of(info: Info, folder: Path, *, without_images: bool) -> Columns:
    """State first, then what else is observed in numbers; and the camera."""
    named = {key: feature for key, feature in info.features.items() if key.split(".")[0] == _OBSERVED}
    observed = sorted(k for k, f in named.items() if f.dtype in _NUMBERS and len(f.shape) == 1)
    observed.sort(key=lambda key: key != layout.STATE)  # the state comes first
    cameras = [key for key, feature in info.features.items() if feature.dtype in ("image", "video")]
    if not observed or layout.ACTION not in info.features:
        raise unreadable(
            folder, f"features {', '.join(info.features)}", f"{layout.STATE} and {layout.ACTION}"
        )
    if without_images or not cameras:
        return Columns(tuple(observed), None)
    if len(cameras) > 1 or info.features[cameras[0]].dtype == "video":
        raise unreadable(
            folder,
            ", ".join(f"{key} as {info.features[key].dtype}" for key in cameras),
            "one camera at most, as images",
            "take the numbers alone with --without-images",
        )
    return Columns(tuple(observed), cameras[0])


def header_of(folder: Path, info: Info, columns: Columns, image: ImageForm | None) -> RecordingHeader:
    """What the recording said of itself, where it came from one; else what can be told from the data set."""
    sizes = (
        sum(info.features[key].shape[0] for key in columns.observed),
        info.features[layout.ACTION].shape[0],
    )
    if (folder / layout.HEADER).is_file():
        header = read_json(RecordingHeader, folder / layout.HEADER)
        if (header.sizes, header.rate_hz) != (sizes, info.fps):
            raise unreadable(
                folder / layout.HEADER,
                f"{list(header.sizes)} numbers at {header.rate_hz:g} Hz",
                f"{list(sizes)} at {info.fps:g} Hz, as {layout.INFO} says",
                f"delete it, if {layout.INFO} is right",
            )
        return header.model_copy(update={"image": image})
    stats = json_value(read_file(folder / layout.STATS), str(folder / layout.STATS))
    return RecordingHeader(
        schema=1,
        env=folder.name,
        rate_hz=info.fps,
        observation=tuple(
            e for key in columns.observed for e in _entries(key, info.features[key], stats, folder)
        ),
        action=_entries(layout.ACTION, info.features[layout.ACTION], stats, folder),
        image=image,
    )


def _entries(key: str, feature: Feature, stats: Any, folder: Path) -> tuple[Entry, ...]:
    """One entry for each number; LeRobot tells no units, and its ranges are those that were seen."""
    size = feature.shape[0]
    try:
        lows, highs = (np.asarray(stats[key][end], float).reshape(size).tolist() for end in ("min", "max"))
    except (KeyError, TypeError, ValueError):
        raise unreadable(
            folder / layout.STATS,
            f"no range of {key}",
            f"min and max of its {size} numbers",
            "let LeRobot compute them",
        ) from None
    names = feature.names
    if isinstance(names, dict):  # as {"motors": [...]}
        names = next(iter(names.values()), None)
    if not isinstance(names, list) or len(names) != size:
        names = list(range(size))
    return tuple(
        Entry(name=f"{key}.{name}", size=1, unit="unknown", low=low, high=high)
        for name, low, high in zip(names, lows, highs, strict=True)
    )
