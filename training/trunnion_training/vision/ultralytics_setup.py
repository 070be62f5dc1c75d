"""Ultralytics as a library that keeps to itself: no console, network, installs, loggers or files in the home."""

from __future__ import annotations

import logging
import os
import shutil
from functools import cache
from pathlib import Path
from types import ModuleType

from PIL import Image

_INTEGRATIONS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")


@cache
def load_ultralytics() -> ModuleType:
    """Import ultralytics with everything turned off that talks, installs or downloads.

    It reads its environment once, when it is first imported, so nothing else in Trunnion may import it before.
    """
    config = _config_folder()
    os.environ.update(
        YOLO_CONFIG_DIR=str(config), YOLO_AUTOINSTALL="false", YOLO_OFFLINE="true", YOLO_VERBOSE="false"
    )
    _place_font(config / "Ultralytics" / "Arial.ttf")
    threads, open_image = os.environ.get("OMP_NUM_THREADS"), Image.open
    import ultralytics

    # Its own would have a file that is no picture looked at by a package that is not there.
    Image.open = open_image
    # It sets this to 1 for this process and all its children.
    os.environ.pop("OMP_NUM_THREADS") if threads is None else os.environ.update(OMP_NUM_THREADS=threads)
    logging.getLogger("ultralytics").setLevel(logging.ERROR)
    settings = ultralytics.settings
    wanted = {"sync": False} | dict.fromkeys((key for key in _INTEGRATIONS if key in settings), False)
    if any(settings[key] != value for key, value in wanted.items()):
        settings.update(wanted)
    _leave_datasets_alone()
    return ultralytics


def _leave_datasets_alone() -> None:
    # It would write an index into the labels folder, and a dataset never changes once it is built.
    import ultralytics.data.dataset

    def keep_in_memory(prefix: str, path: Path, x: dict[str, object], version: str) -> None:
        x["version"] = version

    ultralytics.data.dataset.save_dataset_cache_file = keep_in_memory


def _config_folder() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunnion" / "ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _place_font(path: Path) -> None:
    # Every check of a dataset looks for this font and fetches it when it is missing; nothing here draws with it.
    if path.exists():
        return
    import matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", path)
