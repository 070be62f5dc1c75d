"""Films: sampled by time, labelled by CVAT's tracks, and to be labelled without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.training.shapes import PROVENANCE, make_usecase

from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_training.findings import Finding
from trunnion_training.sources import open_source

TRACKS = """<annotations><track id="0" label="disc">
<box frame="0" outside="0" xtl="8" ytl="8" xbr="20" ybr="20"/>
<box frame="10" outside="1" xtl="8" ytl="8" xbr="20" ybr="20"/>
</track></annotations>"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 10 Hz; each frame is as bright as its number."""
    path = tmp_path_factory.mktemp("film") / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for number in range(20):
        noise = np.random.default_rng(number).integers(-9, 10, (48, 64, 3))
        writer.write((10 * number + 9 + noise).astype(np.uint8))
    writer.release()
    return path


def read(path: Path, out_dir: Path, **more: Any) -> tuple[list[LabelledImage], list[Finding]]:
    usecase = make_usecase(path)
    document = usecase.model_dump(by_alias=True, mode="json")
    document["data"]["sources"] = [{"kind": "video", "path": str(path), "provenance": PROVENANCE, **more}]
    usecase = type(usecase).model_validate(document)
    assert usecase.data is not None
    source: Any = open_source(usecase.data.sources[0], usecase)
    return list(source.collect(out_dir, Silent())), source.findings


def brightness(item: LabelledImage) -> int:
    return round((float(cv2.imread(str(item.image)).mean()) - 9) / 10)


def test_frames_come_from_the_range_at_the_wanted_distance(film: Path, tmp_path: Path) -> None:
    items, _ = read(film, tmp_path, start_s=0.5, end_s=1.5, every_s=0.3)
    assert [brightness(item) for item in items] == [5, 8, 11, 14]
    assert not any(item.is_labelled for item in items)
    assert {item.scene for item in items} == {"film.avi"}


def test_pieces_of_a_film_can_be_scenes_of_their_own(film: Path, tmp_path: Path) -> None:
    items, _ = read(film, tmp_path, every_s=0.5, scene_s=1)
    assert [item.scene for item in items] == ["film.avi/0", "film.avi/0", "film.avi/1", "film.avi/1"]


def test_tracks_label_their_frames(film: Path, tmp_path: Path) -> None:
    (tmp_path / "film.xml").write_text(TRACKS)
    items, _ = read(film, tmp_path / "out", annotations=str(tmp_path / "film.xml"))
    assert [(item.is_labelled, item.labels) for item in items] == [(True, ("disc",)), (True, ())]
    assert items[0].boxes_px.tolist() == [[8, 8, 20, 20]]


def test_a_film_that_is_cut_off_gives_what_is_there_and_says_so(film: Path, tmp_path: Path) -> None:
    (tmp_path / "half.avi").write_bytes(film.read_bytes()[: film.stat().st_size * 3 // 4])
    items, findings = read(tmp_path, tmp_path / "out", every_s=0.1)
    assert 0 < len(items) < 20
    assert [finding.what for finding in findings] == ["film that ends early"]


def test_a_file_that_is_no_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"no film at all")
    with pytest.raises(BadInput, match="unreadable film"):
        read(tmp_path, tmp_path / "out")
