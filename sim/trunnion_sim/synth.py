"""Labelled pictures of randomised scenes: the dataset source `simulation`.

A scene is a light, colours and a camera pose with a few pictures in it. It depends on the seed and its own number only,
so that any number of workers, in any order and after any interruption, makes the same bytes.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trunnion_contract.cell import CellLayout
from trunnion_contract.data_sources import SimulationImages
from trunnion_contract.dataset import LabelledImage
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_json, write_json, write_text
from trunnion_contract.progress import Progress, Silent
from trunnion_contract.strict import Strict, read_json
from trunnion_contract.usecase import UseCase
from trunnion_contract.workers import available_cores, worker_pool
from trunnion_sim.imaging import blurred, noisy
from trunnion_sim.labels import label_parts
from trunnion_sim.layout import SORTING_CELL
from trunnion_sim.panda_model import panda_urdf
from trunnion_sim.part_meshes import part_mesh_files
from trunnion_sim.randomisation import jittered_camera, random_look
from trunnion_sim.renderer import SUPERSAMPLING, Renderer
from trunnion_sim.scene import LABELS, RandomScene
from trunnion_sim.world import World

# Counts up whenever the same seed no longer gives the same pictures, so that a half-made folder is not continued.
RECIPE_VERSION = 6
IMAGES_PER_SCENE = 2
JPEG_QUALITY = 93


@dataclass(frozen=True)
class SceneJob:
    """What a worker needs to make one scene."""

    number: int
    images: int
    seed: int
    folder: Path
    layout: CellLayout


class SyntheticImage(Strict):
    """A picture and its labels, as the scene's own file keeps them."""

    file: str
    labels: tuple[str, ...]
    boxes_px: tuple[tuple[float, float, float, float], ...]


class SyntheticScene(Strict):
    """What stands in `scene_*.json`; it is written when all of the scene's pictures are."""

    scene: str
    images: tuple[SyntheticImage, ...]


class SimulationSource:
    """Dataset source: renders `settings.images` pictures of the randomised cell from `settings.seed`."""

    def __init__(
        self, settings: SimulationImages, usecase: UseCase | None = None, *, workers: int | None = None
    ) -> None:
        self.settings = settings
        self.layout = _layout_of(usecase) if usecase else SORTING_CELL
        self.workers = workers or available_cores()

    def collect(self, out_dir: Path, progress: Progress | None = None) -> list[LabelledImage]:
        """Render what `out_dir` does not hold yet and give all of it back, in order.

        Pictures of one scene share light, colours and camera, and so must not be split.
        """
        progress = progress or Silent()
        _prepare(out_dir, self._recipe())
        jobs = self._jobs(out_dir)
        progress.start("rendering", self.settings.images)
        records: list[LabelledImage] = []
        with _workers(self.workers if len(jobs) > 4 else 1) as run:
            for scene in run(jobs):
                records += [_record(out_dir, scene, image) for image in scene.images]
                progress.advance(len(scene.images))
        progress.done()
        return records

    def _jobs(self, out_dir: Path) -> list[SceneJob]:
        starts = range(0, self.settings.images, IMAGES_PER_SCENE)
        counts = [min(IMAGES_PER_SCENE, self.settings.images - start) for start in starts]
        return [
            SceneJob(number, count, self.settings.seed, out_dir, self.layout)
            for number, count in enumerate(counts)
        ]

    def _recipe(self) -> str:
        return digest_json(
            [RECIPE_VERSION, IMAGES_PER_SCENE, self.settings.seed, self.layout.model_dump(mode="json")]
        )


def _layout_of(usecase: UseCase) -> CellLayout:
    if usecase.cell is None:
        raise BadInput(
            where=f"{usecase.name}: data.sources",
            got="kind 'simulation' without a `cell` section",
            wanted="the cell that is to be simulated",
            next_step="add a `cell` section, or take images from a folder",
        )
    return usecase.cell


def render_scene(job: SceneJob) -> SyntheticScene:
    """Make one scene's pictures in `job.folder`, or read what an earlier run made of it."""
    record = job.folder / f"scene_{job.number:06d}.json"
    if record.exists():
        made = read_json(SyntheticScene, record)
        if len(made.images) == job.images:
            return made
    rng = np.random.default_rng([job.seed, job.number])
    look = random_look(rng)
    renderer = Renderer(job.layout, look, jittered_camera(job.layout.camera, rng))
    with World() as world:
        scene = RandomScene(world, job.layout, look)
        images = tuple(_render_image(job, scene, renderer, index, rng) for index in range(job.images))
    made = SyntheticScene(scene=f"simulation-{job.seed}-{job.number}", images=images)
    write_json(record, made.model_dump(mode="json"))
    return made


def _render_image(
    job: SceneJob, scene: RandomScene, renderer: Renderer, index: int, rng: np.random.Generator
) -> SyntheticImage:
    scene.shuffle(rng)
    picture = renderer.picture(scene.world)
    labels = label_parts(picture, renderer.camera, scene.parts, SUPERSAMPLING)
    blur_px = rng.uniform(0.3, 1.2) if rng.random() < 0.4 else 0.0
    image = noisy(blurred(picture.image_bgr, blur_px), rng.uniform(0, 8) if rng.random() < 0.7 else 0.0, rng)
    name = f"scene_{job.number:06d}_{index}.jpg"
    if not cv2.imwrite(str(job.folder / name), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
        raise OSError(f"{job.folder / name} could not be written")
    return SyntheticImage(
        file=name,
        labels=tuple(label.label for label in labels),
        boxes_px=tuple(label.box_px for label in labels),
    )


def _record(folder: Path, scene: SyntheticScene, image: SyntheticImage) -> LabelledImage:
    boxes_px = np.array(image.boxes_px, np.float32).reshape(-1, 4)
    return LabelledImage(folder / image.file, boxes_px, image.labels, scene.scene)


def _prepare(folder: Path, recipe: str) -> None:
    """Make the folder ready to be filled or continued; what another recipe left there goes."""
    marker = folder / "recipe.sha256"
    if not marker.exists() or marker.read_text() != recipe:
        shutil.rmtree(folder, ignore_errors=True)
        write_text(marker, recipe)
    panda_urdf()  # made here once, rather than by every worker at the same time
    part_mesh_files()


@contextmanager
def _workers(count: int) -> Iterator[Callable[[Sequence[SceneJob]], Iterable[SyntheticScene]]]:
    """Something like `map` over `count` processes; in this very process for one."""
    if count == 1:
        yield lambda jobs: map(render_scene, jobs)
        return
    # One thread each.
    with worker_pool(count, cv2.setNumThreads, 1) as pool:
        yield lambda jobs: pool.map(render_scene, jobs, chunksize=2)


def write_yolo(
    records: Sequence[LabelledImage], classes: Sequence[str], out_dir: Path, val_share: float = 0.1
) -> None:
    """Lay records out as ultralytics wants them; whole scenes go to `val`, the last ones."""
    scenes = list(dict.fromkeys(record.scene for record in records))
    held_out = set(scenes[len(scenes) - round(len(scenes) * val_share) :])
    for record in records:
        part = "val" if record.scene in held_out else "train"
        image = out_dir / "images" / part / record.image.name
        image.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(record.image, image)
        write_text(out_dir / "labels" / part / f"{image.stem}.txt", _yolo_lines(record, classes))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(classes))
    write_text(out_dir / "data.yaml", f"path: .\ntrain: images/train\nval: images/val\nnames:\n{names}")


def _yolo_lines(record: LabelledImage, classes: Sequence[str]) -> str:
    height, width = cv2.imread(str(record.image)).shape[:2]
    lines = ""
    for label, (x1, y1, x2, y2) in zip(record.labels, record.boxes_px, strict=True):
        center = f"{(x1 + x2) / 2 / width:.6f} {(y1 + y2) / 2 / height:.6f}"
        lines += f"{classes.index(label)} {center} {(x2 - x1) / width:.6f} {(y2 - y1) / height:.6f}\n"
    return lines


def main() -> None:
    """Write a dataset in YOLO form, without the rest of the flow."""
    parser = argparse.ArgumentParser(
        description="Render labelled pictures of the randomised cell, in YOLO form."
    )
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--workers", type=int, default=None, help="processes; as many as processors by default"
    )
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    provenance = {"origin": "trunnion_sim", "licence": "Apache-2.0", "personal_data": "none"}
    settings = SimulationImages.model_validate(
        {"kind": "simulation", "images": given.images, "seed": given.seed, "provenance": provenance}
    )
    source = SimulationSource(settings, workers=given.workers)
    records = source.collect(given.out / "scenes", Silent())
    write_yolo(records, LABELS, given.out)


if __name__ == "__main__":
    main()
