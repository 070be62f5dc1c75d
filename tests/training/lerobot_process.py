"""LeRobot itself against our form of its data, for a Python that LeRobot takes (3.12), with `lerobot[dataset]` in it.

    python3.12 tests/training/lerobot_process.py opens FOLDER RECORDING.parquet    # FOLDER is what convert wrote
    python3.12 tests/training/lerobot_process.py writes RECORDING.parquet FOLDER   # FOLDER is for convert to read

`training/trunnion_training/policy/README.md` has the commands around it.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

os.environ["HF_HUB_OFFLINE"] = "1"


def recorded(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and rows of a recording, read without our code."""
    file = pq.ParquetFile(path)
    return json.loads(file.metadata.metadata[b"trunnion.recording"]), file.read().to_pylist()


def pixels(data: bytes) -> np.ndarray:
    """uint8 [h, w, 3], RGB."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def opens(folder: Path, recording: Path) -> None:
    """Every frame as LeRobot gives it, with the next two actions, is that of the recording."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    header, rows = recorded(recording)
    ahead = [index / header["rate_hz"] for index in range(3)]
    dataset = LeRobotDataset("local/demonstrations", root=folder, delta_timestamps={"action": ahead})
    assert dataset.fps == header["rate_hz"]
    assert len(dataset) == len(rows)
    assert dataset.num_episodes == 1 + max(row["episode_index"] for row in rows)
    for index, row in enumerate(rows):
        frame = dataset[index]
        assert frame["observation.state"].tolist() == row["observation"]
        assert frame["action"][0].tolist() == row["action"]
        following = rows[index + 1 : index + 3]
        for step, later in enumerate(following, start=1):
            same = later["episode_index"] == row["episode_index"]
            assert bool(frame["action_is_pad"][step]) is not same
            assert not same or frame["action"][step].tolist() == later["action"]
        assert (frame["episode_index"], frame["frame_index"]) == (row["episode_index"], row["frame_index"])
        assert frame["task"] == header["env"]
        if "image" in row:
            seen = (frame["observation.image"].numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)
            assert np.array_equal(seen, pixels(row["image"]))
    mean = np.mean([row["observation"] for row in rows], axis=0)
    assert np.allclose(dataset.meta.stats["observation.state"]["mean"], mean, atol=1e-6)
    print(f"LeRobot opens {folder}: {dataset.num_episodes} episodes, {len(dataset)} frames, all as recorded")


def writes(recording: Path, folder: Path) -> None:
    """A data set of LeRobot's own making, with what the recording holds."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    header, rows = recorded(recording)
    features: dict[str, dict[str, Any]] = {
        key: {"dtype": "float32", "shape": (len(rows[0][name]),), "names": None}
        for key, name in (("observation.state", "observation"), ("action", "action"))
    }
    if "image" in rows[0]:
        shape = pixels(rows[0]["image"]).shape
        features["observation.image"] = {
            "dtype": "image",
            "shape": shape,
            "names": ["height", "width", "channels"],
        }
    dataset = LeRobotDataset.create(
        "local/demonstrations", fps=int(header["rate_hz"]), features=features, root=folder, use_videos=False
    )
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        frame = {
            "observation.state": np.array(row["observation"], np.float32),
            "action": np.array(row["action"], np.float32),
            "task": header["env"],
        }
        if "image" in row:
            frame["observation.image"] = pixels(row["image"])
        dataset.add_frame(frame)
        if following is None or following["episode_index"] != row["episode_index"]:
            dataset.save_episode()
    dataset.finalize()
    print(f"LeRobot wrote {folder}: {dataset.num_episodes} episodes, {dataset.num_frames} frames")


if __name__ == "__main__":
    {"opens": opens, "writes": writes}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
