"""The commands of the flow: all stages at once, or up to one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from trunnion.commands.options import RUNS, SORTING_CELL, Engine, Runs, UseCaseFile, Values

if TYPE_CHECKING:
    from trunnion_contract.usecase import UseCase

STAGES = ("data", "train", "export", "prove", "pack")
COMMANDS = ("run", *STAGES, "loop", "schema")


class TrainGroup(TyperGroup):
    """`train USECASE` trains the models of a use case; `train base` is the one other thing that can be trained."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = args[0] in self.commands
        return super().resolve_command(ctx, args if known else ["usecase", *args])


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(run)
    app.command(help="Build the dataset: gather, clean, split.")(_one_stage("data"))
    train = typer.Typer(cls=TrainGroup, no_args_is_help=True)
    train.command("usecase", help="The models of a use case; the word itself can be left out.")(
        _one_stage("train")
    )
    train.command("base")(train_base)
    app.add_typer(train, name="train", help="Train the models, or the base checkpoint.")
    app.command()(export)
    app.command(help="Prove the exported models in simulation.")(_one_stage("prove"))
    app.command(help="Pack what was proven into one file.")(_one_stage("pack"))
    app.command()(loop)
    app.command()(schema)


def run(
    usecase: UseCaseFile,
    until: Annotated[
        str, typer.Option(metavar="STAGE", help=f"the last stage: {', '.join(STAGES)}")
    ] = "pack",
    values: Values = [],  # noqa: B006 - typer copies it
    runs: Runs = RUNS,
    engine: Engine = False,
) -> int:
    """Take a use case through every stage.

    The stages are data, train, export, prove and pack. What is up to date is skipped; what was stopped goes on
    where it was.
    """
    return run_until(usecase, until, values, runs, engine)


def export(usecase: UseCaseFile, values: Values = [], runs: Runs = RUNS, engine: Engine = False) -> int:  # noqa: B006
    """Export the trained models, and measure parity."""
    return run_until(usecase, "export", values, runs, engine)


def _one_stage(name: str) -> Any:
    def command(usecase: UseCaseFile, values: Values = [], runs: Runs = RUNS) -> int:  # noqa: B006
        return run_until(usecase, name, values, runs)

    command.__name__ = name
    return command


def train_base(
    usecase: Annotated[Path, typer.Option(help="the use case whose simulated cell is learnt")] = SORTING_CELL,
    out: Annotated[Path, typer.Option(help="the checkpoint to write")] = Path(
        "training/base/sorting_cell_yolo26n.pt"
    ),
    images: Annotated[int, typer.Option(min=10, help="how many images to render")] = 2600,
    epochs: Annotated[int, typer.Option(min=1)] = 8,
    device: Annotated[str, typer.Option(help="cpu, or the number of a GPU")] = "cpu",
    seed: Annotated[int, typer.Option(min=0)] = 20_000_000,
    runs: Runs = RUNS,
) -> int:
    """The base checkpoint, from random weights, on simulation alone."""
    from datetime import UTC, datetime

    from trunnion.console import open_console
    from trunnion.watchers import watching
    from trunnion_contract.usecase import load_usecase
    from trunnion_training.vision.base import train_base as train

    with watching(open_console()) as progress:
        made = train(
            load_usecase(usecase), out, images=images, epochs=epochs, device=device, seed=seed,
            date=datetime.now(UTC).date().isoformat(), work_dir=runs / "base", progress=progress,
        )  # fmt: skip
    print(f"{out}: mAP50 {made.map50:.3f}, mAP50-95 {made.map50_95:.3f} on held-out images")
    return 0


def loop(
    usecase: UseCaseFile,
    scenarios: Annotated[
        list[str], typer.Option("--scenario", help="of the suite that was proven; may be given again")
    ] = ["nominal"],  # noqa: B006
    episodes: Annotated[int, typer.Option(min=1, help="of each scenario, at most")] = 40,
    speed: Annotated[float, typer.Option(min=0.1, max=20.0, help="simulated seconds in a real one")] = 2.0,
    values: Values = [],  # noqa: B006
    runs: Runs = RUNS,
) -> int:
    """Play what was proven once more through the real ROS 2 nodes, and hold it against the proof.

    Exit code 1 where success differs by more than noise.
    """
    from trunnion.console import open_console
    from trunnion.loop import Plan, play_in_ros
    from trunnion.pipeline import Run

    loaded = _load(usecase, "pack", values)
    plan = Plan(tuple(dict.fromkeys(scenarios)), episodes, speed)
    return play_in_ros(open_console(), Run(loaded, runs / loaded.name), plan)


def schema(
    of: Annotated[
        Literal["usecase", "suite", "stress"],
        typer.Argument(help="use cases, suites of scenarios, or spaces to search the worst case in"),
    ] = "usecase",
) -> None:
    """Print the JSON Schema of use cases or of suites, for editors."""
    if of == "usecase":
        from trunnion.usecase_schema import usecase_schema

        print(usecase_schema(), end="")
        return
    from trunnion_sim.suite_schema import space_schema, suite_schema

    print(suite_schema() if of == "suite" else space_schema(), end="")


def run_until(usecase_file: Path, until: str, values: list[str], runs: Path, engine: bool = False) -> int:
    """Run the stages up to `until` and print the verdict; returns the exit code."""
    from trunnion.console import open_console
    from trunnion.pipeline import Run
    from trunnion.verdict import run_to_verdict

    usecase = _load(usecase_file, until, values)
    last = _with_engine(usecase, until) if engine else until
    return run_to_verdict(open_console(), Run(usecase, runs / usecase.name), last, engine)


def _with_engine(usecase: UseCase, until: str) -> str:
    """The last stage of a run that attaches an engine, once it is seen that this machine can build one."""
    from trunnion.engines import require_engine
    from trunnion_contract.errors import BadInput

    if until in ("data", "train"):
        wanted = "one until export or later"
        raise BadInput(where="--engine", got=f"a run until {until}", wanted=wanted, next_step="leave it out")
    require_engine(usecase)
    return "engine" if until == "export" else until


def _load(usecase_file: Path, until: str, values: list[str]) -> UseCase:
    from trunnion.assignments import assignments
    from trunnion.preflight import check
    from trunnion_contract.errors import BadInput
    from trunnion_contract.usecase import load_usecase

    if until not in STAGES:
        wanted = f"one of {', '.join(STAGES)}"
        raise BadInput(where="--until", got=until, wanted=wanted, next_step="name one of those stages")
    given = {name: _seen_from_here(value) for name, value in assignments(values, "--set").items()}
    usecase = load_usecase(usecase_file, given)
    if until != "data":
        check(usecase, str(usecase_file))
    return usecase


def _seen_from_here(value: str) -> str:
    """A path typed on the command line starts where the command does, unlike one in the use case."""
    return str(Path(value).resolve()) if Path(value).exists() else value
