"""A flow of real stages that is over in a second, to be killed and tampered with; run as a script, it runs itself."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from trunnion.pipeline import Run, Stage, run_stages
from trunnion_contract.files import digest_bytes, digest_tree, write_text
from trunnion_contract.progress import Progress
from trunnion_contract.strict import parse
from trunnion_contract.usecase import UseCase

ITEMS = 12


def small_usecase(problem: str = "count") -> UseCase:
    policy = {"env": "Pendulum-v1", "env_package": "gymnasium", "demonstrations": 1, "epochs": 1}
    document = {"schema": 1, "name": "small", "version": "0.1.0", "problem": problem, "classes": ["part"]}
    return parse(UseCase, document | {"models": {"policy": policy}}, "small")


def small_stages(seconds_per_item: float = 0.0) -> tuple[Stage, ...]:
    """`data` makes items one by one and goes on where it was; `train` and `export` read what came before."""

    def make_items(run: Run, out_dir: Path, progress: Progress) -> None:
        progress.start("items", ITEMS)
        for number in range(ITEMS):
            item = out_dir / f"item_{number}.txt"
            if not item.exists():
                write_text(item, digest_bytes(f"{run.usecase.problem} {number}".encode()))
                with run.folder.joinpath("made.log").open("a") as log:
                    log.write(f"{number}\n")
                time.sleep(seconds_per_item)
            progress.advance()
        progress.done()

    def read(upstream: str):
        def make(run: Run, out_dir: Path, progress: Progress) -> None:
            time.sleep(3 * seconds_per_item)
            write_text(out_dir / "result.txt", digest_tree(run.stage(upstream)))

        return make

    always, nothing = (lambda usecase: True), (lambda usecase: {})
    return (
        Stage("data", (), always, lambda usecase: {"problem": usecase.problem}, make_items),
        Stage("train", ("data",), always, nothing, read("data")),
        Stage("export", ("train",), always, nothing, read("train")),
    )


class Said:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def began(self, stage: str, why: str) -> None:
        self.lines.append(f"{stage}: {why}")

    def ended(self, stage: str, seconds: float) -> None:
        self.lines.append(f"{stage}: ended")

    def reused(self, stage: str) -> None:
        self.lines.append(f"{stage}: reused")

    def start(self, label: str, total: int) -> None: ...
    def advance(self, steps: int = 1, note: str = "") -> None: ...
    def done(self, note: str = "") -> None: ...


if __name__ == "__main__":
    run_stages(Run(small_usecase(), Path(sys.argv[1])), small_stages(float(sys.argv[2])), "export", Said())
