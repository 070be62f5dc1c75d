"""The `data` section of a use case: where labelled images come from, what may be done with them, how they are split."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from trunnion_contract.names import Fraction, Name
from trunnion_contract.strict import Strict

PersonalData = Literal["none", "incidental", "yes"]
SplitBy = Literal["scene", "source", "time"]


class Provenance(Strict):
    """What the inventory says of a source: whose it is, where it comes from and what may be done with it.

    `acquired` is the day from which `retention_days` count; without it, the day on which the dataset was made.
    """

    origin: str
    owner: str = "not said"
    licence: str
    personal_data: PersonalData
    consent: str = "not needed"
    acquired: date | None = None
    retention_days: int | None = Field(default=None, ge=1)


class Metadata(Strict):
    """A table that says more of single files: a query with a column `file`, by SQLAlchemy.

    The other columns are of `owner`, `licence`, `personal_data`, `consent`, `acquired`, `retention_days` (over what
    `provenance` says), `scene` and `recorded` (a time). `url` holds no password: one that does is read from the
    environment variable `url_env`. A relative SQLite file is seen from the use case.
    """

    url: str | None = None
    url_env: str | None = None
    query: str

    @model_validator(mode="after")
    def _one_address(self) -> Metadata:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("`url`, or `url_env` with the name of an environment variable that holds it")
        return self


class _Source(Strict):
    """What every source says; `classes` maps its spelling of a class to the use case's, or to null to leave it out."""

    provenance: Provenance
    classes: Mapping[str, Name | None] = {}
    metadata: Metadata | None = None


class SimulationImages(_Source):
    """Labelled images of the simulated cell with domain randomisation."""

    kind: Literal["simulation"]
    images: int = Field(ge=1, le=1_000_000)
    seed: int = Field(ge=0)


class _Files(_Source):
    """Files in a folder, or in an object store (`url`, for fsspec) from which they are fetched first.

    With `url`, `path` and `annotations` are seen from what was fetched.
    """

    url: str | None = None
    path: Path = Path()
    annotations: Path | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> _Files:
        if self.url is None and "path" not in self.model_fields_set:
            raise ValueError("`path`, or `url` with the address of an object store")
        if self.url is not None and "://" not in self.url:
            raise ValueError(
                "a `url` with a protocol, such as s3://bucket/folder; a local folder is a `path`"
            )
        return self


class LabelledFolder(_Files):
    """Images that somebody labelled.

    `yolo` (images/ and labels/), `coco` (one JSON), `voc` (one XML an image), or what a labelling tool exports:
    `label_studio` (JSON), `labelbox` (NDJSON), `cvat` (for images 1.1, XML). `annotations` is a file or folder; without
    it the usual place of the format beside `path` is taken.
    """

    kind: Literal["yolo", "coco", "voc", "label_studio", "labelbox", "cvat"]


class _Recording(_Files):
    """Moving pictures, of which one each `every_s` is taken, from `start_s` to `end_s` after their beginning.

    A whole recording is one scene; with `scene_s`, each piece of that length is.
    """

    start_s: float = Field(default=0, ge=0)
    end_s: float | None = Field(default=None, gt=0)
    every_s: float = Field(default=1, ge=0)
    scene_s: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _forwards(self) -> _Recording:
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError("an `end_s` after `start_s`")
        return self


class Video(_Recording):
    """A film, or a folder of films; `annotations` is CVAT's XML for video (of one film), or a folder with FILM.xml.

    Without annotations the frames are set apart, to be labelled.
    """

    kind: Literal["video"]


class Bag(_Recording):
    """A recording of ROS 2: a rosbag2 folder, or one file of MCAP or SQLite.

    `detections_topic` carries vision_msgs/Detection2DArray; an image gets those whose stamp is `stamps_differ_max_ms`
    away at most. An image without any is set apart, to be labelled.
    """

    kind: Literal["bag"]
    image_topic: str
    detections_topic: str | None = None
    stamps_differ_max_ms: float = Field(default=0, ge=0)


Source = Annotated[SimulationImages | LabelledFolder | Video | Bag, Field(discriminator="kind")]


class Split(Strict):
    """Shares of the images that go to training, validation and test; a scene is never divided.

    By `scene` they are drawn by `seed`; by `source` each source goes to one split; by `time` the newest are the test.
    """

    train: Fraction
    val: Fraction
    test: Fraction
    seed: int = Field(default=0, ge=0)
    by: SplitBy = "scene"

    @model_validator(mode="after")
    def _whole(self) -> Split:
        if abs(self.train + self.val + self.test - 1) > 1e-6 or not (self.train and self.val and self.test):
            raise ValueError("three shares above 0 that add up to 1")
        return self


class Data(Strict):
    """Where the labelled images come from.

    `synthetic_share` of the images that are trained on are simulated; what is too many of either kind is left out.
    """

    sources: tuple[Source, ...] = Field(min_length=1)
    split: Split
    synthetic_share: float | None = Field(default=None, gt=0, lt=1)
