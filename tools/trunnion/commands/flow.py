"""The commands of the flow: all stages at once, or up to one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from trunnion.commands import data
from trunnion.commands.options import (
    RUNS,
    SORTING_CELL,
    Against,
    Engine,
    Runs,
    Sequential,
    UseCaseFile,
    Values,
)

if TYPE_CHECKING:
    from trunnion.proving import Papers, Proving
    from trunnion_contract.usecase import UseCase

STAGES = ("data", "train", "export", "prove", "pack")
COMMANDS = ("run", *STAGES[:-1], "replay", "pack", "loop", "schema")


class TrainGroup(TyperGroup):
    """`train USECASE` trains the models of a use case; `train base` is the one other thing that can be trained."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = args[0] in self.commands
        return super().resolve_command(ctx, args if known else ["usecase", *args])


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(run)
    data.register(app, _one_stage("data"))
    train = typer.Typer(cls=TrainGroup, no_args_is_help=True)
    train.command("usecase", help="The models of a use case; the word itself can be left out.")(
        _one_stage("train")
    )
    train.command("base")(train_base)
    app.add_typer(train, name="train", help="Train the models, or the base checkpoint.")
    app.command()(export)
    app.command()(prove)
    app.command()(replay)
    app.command()(pack)
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
    sequential: Sequential = False,
    against: Against = None,
) -> int:
    """Take a use case through every stage.

    The stages are data, train, export, prove and pack. What is up to date is skipped; what was stopped goes on
    where it was.
    """
    from trunnion.proving import Proving

    return run_until(usecase, until, values, runs, engine, Proving(None, sequential, against))


def export(usecase: UseCaseFile, values: Values = [], runs: Runs = RUNS, engine: Engine = False) -> int:  # noqa: B006
    """Export the trained models, and measure parity."""
    return run_until(usecase, "export", values, runs, engine)


def prove(
    usecase: UseCaseFile,
    values: Values = [],  # noqa: B006
    runs: Runs = RUNS,
    sequential: Sequential = False,
    against: Against = None,
    suite: Annotated[
        str | None,
        typer.Option(
            "--suite",
            metavar="SUITE",
            help="another suite than the use case's, proven in a folder of its own",
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the gates there as JUnit XML")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the verdict there as Markdown")
    ] = None,
) -> int:
    """Prove the exported models in simulation.

    Before a long one: --suite smoke takes a minute or two.
    """
    from trunnion.loading import seen_from_here
    from trunnion.proving import Papers, Proving

    asked = Proving(seen_from_here(suite) if suite else None, sequential, against)
    return run_until(usecase, "prove", values, runs, proving=asked, papers=Papers(junit, markdown))


def replay(
    seed: Annotated[int, typer.Argument(min=0, help="the seed of the episode")],
    run: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="the folder of the run; the newest proven one when left out"),
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME", help="where the seed failed, when left out")
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option("--suite", metavar="SUITE", help="the suite of a proof that was made with --suite"),
    ] = None,
    precision: Annotated[str, typer.Option(help="of the detector")] = "fp32",
    film: Annotated[
        Path | None, typer.Option(metavar="DIR", help="write a film (H.264) and a log of every period there")
    ] = None,
    window: Annotated[bool, typer.Option("--window", help="show it in a window")] = False,
    runs: Runs = RUNS,
) -> int:
    """Play an episode of a proof again, byte for byte."""
    from trunnion.console import open_console
    from trunnion.replaying import newest_proven, run_replay

    folder = run or newest_proven(runs)
    return run_replay(open_console(), seed, folder, scenario, suite, precision, film, window)


def pack(
    usecase: UseCaseFile,
    values: Values = [],  # noqa: B006
    runs: Runs = RUNS,
    sequential: Sequential = False,
    against: Against = None,
) -> int:
    """Pack what was proven into one file.

    With the options that it was proven with: others are another proof.
    """
    from trunnion.proving import Proving

    return run_until(usecase, "pack", values, runs, proving=Proving(None, sequential, against))


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

    loaded = load(usecase, "pack", values)
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


def run_until(
    usecase_file: Path,
    until: str,
    values: list[str],
    runs: Path,
    engine: bool = False,
    proving: Proving | None = None,
    papers: Papers | None = None,
) -> int:
    """Run the stages up to `until` and print the verdict; returns the exit code."""
    from trunnion.console import open_console
    from trunnion.pipeline import Run
    from trunnion.preflight import check_data
    from trunnion.proving import AS_DECLARED, Papers
    from trunnion.verdict import read_proof, run_to_verdict

    usecase = load(usecase_file, until, values)
    last = _with_engine(usecase, until) if engine else until
    run, proving = Run(usecase, runs / usecase.name), proving or AS_DECLARED
    check_data(run)
    code = run_to_verdict(open_console(), run, last, engine, proving)
    if papers and papers != Papers():
        papers.write(read_proof(run, proving.stage))
    return code


def _with_engine(usecase: UseCase, until: str) -> str:
    """The last stage of a run that attaches an engine, once it is seen that this machine can build one."""
    from trunnion.engines import require_engine
    from trunnion_contract.errors import BadInput

    if until in ("data", "train"):
        wanted = "one until export or later"
        raise BadInput(where="--engine", got=f"a run until {until}", wanted=wanted, next_step="leave it out")
    require_engine(usecase)
    return "engine" if until == "export" else until


def load(usecase_file: Path, until: str, values: list[str]) -> UseCase:
    """The use case of a file, once it is seen to have what the stages up to `until` start from."""
    from trunnion.loading import load_with_values
    from trunnion.preflight import check
    from trunnion_contract.errors import BadInput

    if until not in STAGES:
        wanted = f"one of {', '.join(STAGES)}"
        raise BadInput(where="--until", got=until, wanted=wanted, next_step="name one of those stages")
    usecase = load_with_values(usecase_file, values)
    if until != "data":
        check(usecase, str(usecase_file))
    return usecase
