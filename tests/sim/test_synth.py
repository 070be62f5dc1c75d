from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from trunnion_contract.data_sources import SimulationImages
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.progress import Silent
from trunnion_contract.usecase import UseCase, load_usecase
from trunnion_sim.parts import KINDS
from trunnion_sim.randomisation import jittered_camera, random_look
from trunnion_sim.scene import RandomScene
from trunnion_sim.synth import IMAGES_PER_SCENE, SimulationSource, write_yolo
from trunnion_sim.world import World

USECASE = Path(__file__).resolve().parents[2] / "training" / "usecases" / "sorting_cell.yaml"
IMAGES = 10
SCENES = 6


class Counting(Silent):
    """Progress that remembers where it stood."""

    total = steps = 0

    def start(self, label: str, total: int) -> None:
        self.total = total

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps += steps


@pytest.fixture(scope="module")
def usecase() -> UseCase:
    return load_usecase(USECASE)


def _settings(images: int = IMAGES, seed: int = 5) -> SimulationImages:
    provenance = {"origin": "here", "licence": "Apache-2.0", "personal_data": "none"}
    return SimulationImages.model_validate(
        {"kind": "simulation", "images": images, "seed": seed, "provenance": provenance}
    )


def _digests(records: list[LabelledImage]) -> list[tuple[str, bytes, tuple[str, ...], str]]:
    return [
        (
            hashlib.sha256(record.image.read_bytes()).hexdigest(),
            record.boxes_px.tobytes(),
            record.labels,
            record.scene,
        )
        for record in records
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, usecase: UseCase) -> list[LabelledImage]:
    folder = tmp_path_factory.mktemp("synth")
    return SimulationSource(_settings(), usecase, workers=1).collect(folder, Silent())


def test_every_image_comes_with_boxes_inside_it(made: list[LabelledImage]) -> None:
    assert len(made) == IMAGES
    for record in made:
        image = cv2.imread(str(record.image))
        assert image.shape == (240, 320, 3)
        assert record.boxes_px.dtype == np.float32
        assert record.boxes_px.shape == (len(record.labels), 4)
        assert (record.boxes_px >= 0).all()
        assert (record.boxes_px <= (320, 240, 320, 240)).all()
        assert (record.boxes_px[:, 2:] - record.boxes_px[:, :2] >= 4).all()
    assert set(Counter(label for record in made for label in record.labels)) == set(KINDS)


def test_scenes_look_different_and_their_images_share_a_name(made: list[LabelledImage]) -> None:
    scenes = Counter(record.scene for record in made)
    assert set(scenes.values()) == {IMAGES_PER_SCENE}
    means = [cv2.imread(str(record.image)).mean() for record in made[::IMAGES_PER_SCENE]]
    assert np.ptp(means) > 15


def test_scenes_differ_in_all_that_is_randomised(usecase: UseCase) -> None:
    assert usecase.cell is not None
    seen: dict[str, set[object]] = defaultdict(set)
    for number in range(SCENES):
        rng = np.random.default_rng([5, number])
        look = random_look(rng)
        with World() as world:
            scene = RandomScene(world, usecase.cell, look)
            scene.shuffle(rng)
            places = [tuple(world.pose(body)[0]) for body in scene._distractors]
            parts = [(part.kind.label, *part.position_base_m().tolist()) for part in scene.parts]
        camera = jittered_camera(usecase.cell.camera, rng)
        of_camera = (camera.position_base_m, camera.look_at_base_m, camera.image_up_base)
        seen["camera's pose"].add(of_camera)
        seen["lens"].add(camera.vertical_field_of_view_deg)
        seen["light"].add(look.light)
        seen["palette"].add(look.palette)
        seen["texture of the table"].add(look.table)
        seen["texture of the tray"].add(look.tray)
        seen["clutter"].add(tuple(parts))
        seen["how many distractors"].add(len(places))
        seen["distractors"].add(tuple(places))
    differ_always = ("camera's pose", "lens", "light", "clutter")
    assert {name: len(seen[name]) for name in differ_always} == dict.fromkeys(differ_always, SCENES)
    # One scene in four looks as the cell really does; some have no distractors, or as many as another.
    assert {name for name, values in seen.items() if len(values) < 3} == set()


def test_the_number_of_workers_changes_no_byte(
    made: list[LabelledImage], tmp_path: Path, usecase: UseCase
) -> None:
    spread = SimulationSource(_settings(), usecase, workers=2).collect(tmp_path, Silent())
    assert _digests(spread) == _digests(made)


def test_an_interrupted_run_is_continued_to_the_same_bytes(
    made: list[LabelledImage], tmp_path: Path, usecase: UseCase
) -> None:
    source = SimulationSource(_settings(), usecase, workers=1)
    source.collect(tmp_path, Silent())
    kept, lost = tmp_path / "scene_000000_0.jpg", tmp_path / "scene_000002_1.jpg"
    stamp = kept.stat().st_mtime_ns
    lost.write_bytes(b"half a picture")
    (tmp_path / "scene_000002.json").unlink()
    assert _digests(source.collect(tmp_path, Silent())) == _digests(made)
    assert kept.stat().st_mtime_ns == stamp, "what was whole was not made again"


def test_what_another_seed_left_there_is_not_mixed_in(tmp_path: Path, usecase: UseCase) -> None:
    SimulationSource(_settings(4, seed=1), usecase, workers=1).collect(tmp_path, Silent())
    again = SimulationSource(_settings(2, seed=2), usecase, workers=1).collect(tmp_path, Silent())
    assert len(list(tmp_path.glob("*.jpg"))) == len(again) == 2


def test_progress_is_told_image_by_image(tmp_path: Path, usecase: UseCase) -> None:
    progress = Counting()
    SimulationSource(_settings(3), usecase, workers=1).collect(tmp_path, progress)
    assert progress.total == progress.steps == 3


def test_a_use_case_without_a_cell_is_refused(usecase: UseCase) -> None:
    without = usecase.model_copy(update={"cell": None})
    with pytest.raises(BadInput, match="cell"):
        SimulationSource(_settings(), without)


def test_the_yolo_form_has_one_line_for_each_box(made: list[LabelledImage], tmp_path: Path) -> None:
    write_yolo(made, tuple(KINDS), tmp_path, val_share=0.2)
    images, labels = sorted(tmp_path.glob("images/*/*.jpg")), sorted(tmp_path.glob("labels/*/*.txt"))
    assert [path.stem for path in images] == [path.stem for path in labels]
    assert {path.parent.name for path in images} == {"train", "val"}
    rows = np.concatenate([np.loadtxt(path, ndmin=2).reshape(-1, 5) for path in labels])
    assert len(rows) == sum(len(record.labels) for record in made)
    assert ((rows[:, 1:] >= 0) & (rows[:, 1:] <= 1)).all()
