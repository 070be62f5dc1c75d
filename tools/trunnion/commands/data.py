"""The commands about data: build a dataset, compare two, and enforce retention."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from trunnion.commands.options import RUNS, Runs, UseCaseFile, Values

if TYPE_CHECKING:
    from trunnion_training.retention import Expiry


_LISTED_MAX = 20


class DataGroup(TyperGroup):
    """`data USECASE` builds the dataset of a use case; the other words are commands of their own."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = args[0] in self.commands
        return super().resolve_command(ctx, args if known else ["usecase", *args])


def register(app: typer.Typer, build: Any) -> None:
    """Add the group `data` to `app`; `build` builds the dataset of a use case."""
    data = typer.Typer(cls=DataGroup, no_args_is_help=True)
    data.command("usecase", help="Build the dataset; the word itself can be left out.")(build)
    data.command("diff")(diff)
    data.command("expire")(expire)
    data.command("suspects")(suspects)
    data.command("augmentation")(augmentation)
    app.add_typer(
        data,
        name="data",
        help="Build the dataset: gather, clean, split; compare versions, doubt labels, enforce retention.",
    )


def expire(
    usecase: UseCaseFile,
    delete: Annotated[bool, typer.Option("--delete", help="delete it; else it is only listed")] = False,
    today: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="as if it were that day; not with --delete"),
    ] = None,
    values: Values = [],  # noqa: B006 - typer copies it
    runs: Runs = RUNS,
) -> int:
    """List the data that is kept for longer than it may be, with the datasets made of it; --delete deletes both.

    What was deleted is noted in expired.jsonl of the run, which only grows.
    """
    from datetime import UTC

    from trunnion.exclusive import only_one
    from trunnion.loading import load_with_values
    from trunnion_contract.errors import BadInput
    from trunnion_training.retention import delete_expired, find_expired

    if delete and today:
        raise BadInput(
            where="--today", got="--delete beside it", wanted="one of both", next_step="leave --today out"
        )
    loaded = load_with_values(usecase, values)
    run_dir, day = runs / loaded.name, (today or datetime.now(UTC)).date()
    with only_one(run_dir / ".lock", "running this use case"):
        expiry = find_expired(loaded, run_dir, day)
        _say(expiry, deleted=delete)
        if expiry and delete:
            print(f"noted in {delete_expired(expiry, run_dir, day)}")
    return 0


def diff(
    before: Annotated[
        str, typer.Argument(metavar="A", help="a dataset's folder, or the beginning of its digest")
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="the same of another")],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the names of all files there")
    ] = None,
    runs: Runs = RUNS,
) -> int:
    """Tell which images were added, removed, labelled anew and moved between splits from A to B.

    Every dataset that a run made is kept in its folder versions/, under its digest.
    """
    from dataclasses import asdict

    from trunnion_contract.files import write_json
    from trunnion_training.versions import difference, find_version

    found = difference(find_version(before, runs), find_version(after, runs))
    for what, count in found.counts().items():
        print(f"{what}: {count}")
        for file in getattr(found, what)[:_LISTED_MAX]:
            print("  " + (file if isinstance(file, str) else "{}: {} -> {}".format(*file)))
        if count > _LISTED_MAX:
            print(f"  and {count - _LISTED_MAX} more (--json FILE writes all)")
    if json_file:
        write_json(json_file, asdict(found))
    return 0


def suspects(
    usecase: UseCaseFile,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="a bundle, or the folder of an export or run; the run's own when left out"
        ),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=3, help="train so many detectors, each judges what it has not seen")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="where to write; suspects/ of the run when left out")
    ] = None,
    values: Values = [],  # noqa: B006
    runs: Runs = RUNS,
) -> int:
    """List the labels that a detector disagrees with, on images that it has not learnt from, likeliest errors first.

    The run's own detector judges the splits val and test; --folds judges every image, and takes as many trainings.
    """
    from trunnion.console import open_console
    from trunnion.exclusive import only_one
    from trunnion.loading import load_with_values
    from trunnion.pipeline import Run
    from trunnion.suspects import find_suspects
    from trunnion_contract.errors import BadInput

    if model and folds:
        raise BadInput(
            where="--folds", got="--model beside it", wanted="one of both", next_step="leave one of them out"
        )
    loaded = load_with_values(usecase, values)
    run = Run(loaded, runs / loaded.name)
    with only_one(run.folder / ".lock", "running this use case"):
        return find_suspects(open_console(), run, model, folds, out or run.folder / "suspects")


def augmentation(
    usecase: UseCaseFile,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="augmentation.html of the run when left out")
    ] = None,
    values: Values = [],  # noqa: B006
    runs: Runs = RUNS,
) -> int:
    """Draw what training will do to a few images of each class, by its own code; training writes the same page."""
    from trunnion.loading import load_with_values
    from trunnion.pipeline import Run
    from trunnion_contract.errors import BadInput
    from trunnion_contract.files import write_text
    from trunnion_training.quality.augmentation_page import augmentation_page
    from trunnion_training.vision.families import family_of

    loaded = load_with_values(usecase, values)
    run = Run(loaded, runs / loaded.name)
    if not (run.stage("data") / "dataset.json").is_file():
        raise BadInput(
            where=str(run.stage("data")),
            got="no dataset",
            wanted="one",
            next_step="make it with trunnion data",
        )
    target = out or run.folder / "augmentation.html"
    write_text(target, augmentation_page(loaded, run.stage("data"), family_of(loaded)))
    print(target)
    return 0


def _say(expiry: Expiry, deleted: bool) -> None:
    if not expiry:
        print("nothing is kept for longer than it may be")
        return
    verb = "deleted" if deleted else "would be deleted (by --delete)"
    for path in expiry.originals:
        print(f"{path}: {verb}")
    for dataset in expiry.datasets:
        print(f"{dataset.folder}: dataset {dataset.digest[:12]} with {dataset.files} such files, {verb}")
    for folder in expiry.copies:
        print(f"{folder}: copies of such data, {verb}")
    for folder in expiry.models:
        print(f"{folder}: learnt from it, and stays; train it again without")
    for url in expiry.elsewhere:
        print(f"{url}: has to be deleted there; this command deletes on this machine only")
