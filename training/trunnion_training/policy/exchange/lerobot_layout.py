"""Where things lie in a LeRobotDataset v3, and what its columns are called."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from trunnion_contract.manifest import Entry
from trunnion_training.policy.recording_form import RecordingHeader

VERSION: Final = "v3.0"
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
# LeRobot knows of no units and ranges: what a recording says of itself lies beside what LeRobot reads.
HEADER = "meta/trunnion.json"
FILES_PER_CHUNK, DATA_FILE_MIB, VIDEO_FILE_MIB = 1000, 100, 200

STATE, ACTION, SUCCESS, IMAGE = "observation.state", "action", "next.success", "observation.image"
_COUNTED = {"frame_index": "int64", "episode_index": "int64", "index": "int64", "task_index": "int64"}
IMAGE_TYPE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


def features_of(header: RecordingHeader) -> dict[str, dict[str, Any]]:
    """The features of a recording, as `meta/info.json` describes them."""
    features = {
        key: {"dtype": "float32", "shape": [size], "names": _names(entries)}
        for key, entries, size in zip(
            (STATE, ACTION), (header.observation, header.action), header.sizes, strict=True
        )
    }
    features[SUCCESS] = {"dtype": "bool", "shape": [1], "names": None}
    if form := header.image:
        shape = [form.height_px, form.width_px, 3]
        features[IMAGE] = {"dtype": "image", "shape": shape, "names": ["height", "width", "channels"]}
    features["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
    return features | {key: {"dtype": dtype, "shape": [1], "names": None} for key, dtype in _COUNTED.items()}


def schema_of(features: dict[str, dict[str, Any]]) -> pa.Schema:
    """The columns of these features; one number stands alone, several are a list."""
    return pa.schema([pa.field(key, _type(feature)) for key, feature in features.items()])


def _type(feature: dict[str, Any]) -> pa.DataType:
    if feature["dtype"] == "image":
        return IMAGE_TYPE
    kind = pa.bool_() if feature["dtype"] == "bool" else pa.type_for_alias(feature["dtype"])
    size = feature["shape"][0]
    return kind if size == 1 else pa.list_(kind, size)


def _names(entries: tuple[Entry, ...]) -> list[str]:
    return [
        entry.name if entry.size == 1 else f"{entry.name}.{index}"
        for entry in entries
        for index in range(entry.size)
    ]
