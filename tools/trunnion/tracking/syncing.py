"""`trunnion runs sync`: sends what the journal holds, and says what still waits."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from trunnion.tracking.sender import deliver
from trunnion.tracking.store import outbox_of, store_of
from trunnion_contract.errors import BadInput, Broken, ExitCode


def sync_runs(console: Console, runs: Path) -> ExitCode:
    """Deliver now.

    Raises:
        BadInput: there are no runs, or the journal holds documents that are none.
        Broken: some could not be sent; they still wait.
    """
    if not runs.is_dir():
        raise BadInput(
            where="--runs",
            got=f"{runs}, which is no folder",
            wanted="the folder that holds the runs",
            next_step="name it, or run a use case first",
        )
    outbox, store = outbox_of(runs), store_of(runs)
    done = deliver(outbox, store)
    console.print(f"sent {done.sent} to {store.uri}", highlight=False, soft_wrap=True)
    if done.kept:
        raise Broken(
            where=store.uri,
            got=done.why,
            wanted=f"a store that takes the {done.kept} that wait",
            next_step="see that it runs, and run the same command again",
        )
    if lost := outbox.unreadable():
        raise BadInput(
            where=str(lost[0]),
            got="what is no kept run",
            wanted="a document of the journal",
            next_step="move it away; nothing else waits",
        )
    return ExitCode.OK
