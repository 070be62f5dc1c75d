"""`trunnion report`: the page of a stage, as HTML and as PDF."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console

from trunnion.pipeline import Run
from trunnion.reporting.facts import Facts, facts_of
from trunnion_contract.errors import BadInput, Broken, ExitCode
from trunnion_contract.files import whole_file, write_text
from trunnion_contract.usecase import UseCase

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PRINTED_WITHIN_S = 120.0


def report(
    console: Console, usecase: UseCase, usecase_file: Path, run: Run, stage: str, pdf: bool
) -> ExitCode:
    """Write `reports/STAGE.html` in the folder of the run, and the PDF where it is asked for.

    Raises:
        BadInput: there is no plan, stage or proof; or no browser for the PDF, and the HTML stands.
        Broken: the browser failed.
    """
    facts = facts_of(usecase, usecase_file, run, stage)
    page = run.folder / "reports" / f"{stage}.html"
    write_text(page, render(facts))
    console.print(f"{facts.title}: {'passed' if facts.passed else 'not passed'}", highlight=False)
    for what in facts.lacking:
        console.print(f"  {what}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"report  {page.resolve()}", highlight=False, soft_wrap=True)
    if pdf:
        print_pdf(page, page.with_suffix(".pdf"))
        console.print(f"pdf     {page.with_suffix('.pdf').resolve()}", highlight=False, soft_wrap=True)
    return ExitCode.OK if facts.passed else ExitCode.GATES_FAILED


def render(facts: Facts) -> str:
    """The page. The same input gives the same text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": "{:.3f}".format, "minutes": _minutes}
    return environment.get_template("stage.html.j2").render(
        facts=facts, usecase=facts.usecase, proof=facts.proof
    )


def print_pdf(page: Path, target: Path) -> None:
    """Have a browser without a window print the page.

    Raises:
        BadInput: this machine has no Chromium.
        Broken: it wrote nothing.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise BadInput(
            where="--pdf",
            got="no Chromium on this machine",
            wanted="one of " + ", ".join(BROWSERS),
            next_step=f"sudo apt-get install -y chromium, or print {page} from any browser",
        )
    with tempfile.TemporaryDirectory(prefix="trunnion-browser-") as profile, whole_file(target) as part:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        command = [
            browser,
            *flags,
            f"--user-data-dir={profile}",
            f"--print-to-pdf={part}",
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PRINTED_WITHIN_S)
            said = done.stderr.strip().splitlines()
        except subprocess.TimeoutExpired:
            said = ["no answer"]
        if not part.read_bytes().startswith(b"%PDF"):
            raise Broken(
                where=browser,
                got=said[-1] if said else "nothing",
                wanted="the page as PDF",
                next_step=f"print {page} from any browser",
            )


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
