"""How a person asks for a proof: with which suite, against whom, and whether it may end early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trunnion.pipeline import Digests, Run, Stage
from trunnion.stages import PROVE
from trunnion_contract.bundle import MODEL
from trunnion_contract.files import digest_file, write_text
from trunnion_contract.progress import Progress
from trunnion_contract.proof import Proof
from trunnion_contract.usecase import UseCase


@dataclass(frozen=True)
class Proving:
    """What the command line says about a proof, beyond its use case.

    Attributes:
        suite: another suite than the use case names. Such a proof stands in a folder of its own, where `pack` does not
            look: what ships is proven in the suite of its use case.
        sequential: scenarios end early where their verdict is clear.
        against: the champion: a bundle, the folder of an export, or the folder of a run.
    """

    suite: str | None = None
    sequential: bool = False
    against: Path | None = None

    @property
    def stage(self) -> str:
        """The name of the stage, and of its folder."""
        return f"{PROVE.name}.{Path(self.suite).stem}" if self.suite else PROVE.name

    def among(self, stages: Sequence[Stage]) -> tuple[Stage, ...]:
        """The flow with a proof like this one."""
        if self == AS_DECLARED:
            return tuple(stages)
        ours = replace(PROVE, name=self.stage, inputs=self._inputs, make=self._prove)
        return tuple(ours if stage is PROVE else stage for stage in stages)

    def _inputs(self, usecase: UseCase) -> Digests:
        said: Digests = {"--sequential": "yes"} if self.sequential else {}
        if self.suite:
            said["--suite"] = self.suite
            file = usecase.beside(self.suite)
            said |= {"its file": digest_file(file)} if file.is_file() else {}
        if self.against:
            files = (self.against, self.against / MODEL, self.against / "export" / MODEL)
            said["--against"] = next((digest_file(file) for file in files if file.is_file()), "nothing there")
        return PROVE.inputs(usecase) | said

    def _prove(self, run: Run, out_dir: Path, progress: Progress) -> None:
        from trunnion_sim.prove import Options, prove

        options = Options(suite=self.suite, sequential=self.sequential, against=self.against)
        prove(run.usecase, run.stage("data"), run.stage("export"), out_dir, progress, options=options)


AS_DECLARED = Proving()
"""A proof just as the use case asks for it."""


@dataclass(frozen=True)
class Papers:
    """Files that a CI job wants of a proof: JUnit XML, and a table in Markdown."""

    junit: Path | None = None
    markdown: Path | None = None

    def write(self, proof: Proof) -> None:
        """Write those that were asked for."""
        from trunnion_sim.report.junit import junit_xml
        from trunnion_sim.report.markdown import markdown

        if self.junit:
            write_text(self.junit, junit_xml(proof))
        if self.markdown:
            write_text(self.markdown, markdown(proof))
