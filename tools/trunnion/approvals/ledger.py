"""The ledger: a line of JSON for each verdict, signed by its person, each naming the digest of the line before.

Lines are only ever added. A changed, moved or dropped line breaks the chain or a signature. Lines dropped from the
end break nothing here; the registry remembers the last line that it saw.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trunnion.approvals.keys import is_signed, public_half, sign
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes
from trunnion_contract.plan import Plan, PlanStageName
from trunnion_contract.strict import Strict, parse_json

FIRST = "0" * 64
Verdict = Literal["approved", "refused"]


class Entry(Strict):
    """One verdict of one person, about one bundle.

    Attributes:
        previous: SHA-256 of the line before, or zeros.
        signature: Ed25519 over everything else, as canonical JSON.
    """

    sequence: int
    previous: str
    at: str
    usecase: str
    stage: PlanStageName
    role: str
    person: str
    verdict: Verdict
    bundle_sha256: str
    comment: str = ""
    signature: str = ""

    def signed_bytes(self) -> bytes:
        """What the person signs."""
        return _canonical(self.model_dump(mode="json", exclude={"signature"}))

    def line(self) -> bytes:
        """The entry as it stands in the ledger."""
        return _canonical(self.model_dump(mode="json"))


@dataclass(frozen=True)
class Ledger:
    """The ledger of a use case, whose plan says who may sign as what."""

    path: Path
    usecase: str
    plan: Plan

    def read(self) -> list[Entry]:
        """Every entry, each verified.

        Raises:
            BadInput: names the line that was tampered with, signed by nobody known, or signed in a wrong role.
        """
        if not self.path.exists():
            return []
        entries: list[Entry] = []
        previous = FIRST
        for number, line in enumerate(self._lines(), start=1):
            where = f"{self.path}:{number}"
            entry = parse_json(Entry, line, where)
            self._verify(entry, line, number, previous, where)
            entries.append(entry)
            previous = digest_bytes(line)
        return entries

    def append(self, entry: Entry, key: Ed25519PrivateKey) -> Entry:
        """Sign an entry, and add it after all that stands there, once that is verified.

        Raises:
            BadInput: the ledger does not verify, or the entry would not.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = self.read()
            chained = {"sequence": len(before) + 1, "previous": head(before)}
            entry = entry.model_copy(update=chained)
            entry = entry.model_copy(update={"signature": sign(key, entry.signed_bytes())})
            self._verify(entry, entry.line(), len(before) + 1, head(before), "the new entry")
            file.write(entry.line() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return entry

    def person_of(self, key: Ed25519PrivateKey, role: str) -> str:
        """Who signs with this key.

        Raises:
            BadInput: nobody in the plan does, or not in this role.
        """
        public = public_half(key)
        names = [name for name, approver in self.plan.approvers.items() if approver.key == public]
        if not names:
            known = ", ".join(self.plan.approvers)
            raise _refused("--key", f"a key of nobody in the plan ({public})", f"a key of {known}")
        self._check_role(names[0], role, "--role")
        return names[0]

    def _lines(self) -> Iterator[bytes]:
        data = self.path.read_bytes()
        if data and not data.endswith(b"\n"):
            raise _refused(str(self.path), "a last line that was cut short", "whole lines")
        yield from data.splitlines()

    def _verify(self, entry: Entry, line: bytes, number: int, previous: str, where: str) -> None:
        if entry.line() != line or (entry.sequence, entry.previous) != (number, previous):
            raise _refused(
                where, "a line that does not follow on the one before", "the lines as they were added"
            )
        if entry.usecase != self.usecase:
            raise _refused(where, f"an approval of {entry.usecase}", f"approvals of {self.usecase}")
        if entry.person not in self.plan.approvers:
            raise _refused(where, f"{entry.person}, whom the plan does not know", "approvers of the plan")
        if not is_signed(self.plan.approvers[entry.person].key, entry.signed_bytes(), entry.signature):
            raise _refused(where, f"what {entry.person} did not sign", f"a signature of {entry.person}")
        self._check_role(entry.person, entry.role, where)

    def _check_role(self, person: str, role: str, where: str) -> None:
        roles = self.plan.approvers[person].roles
        if role not in roles:
            raise _refused(where, f"{person} as {role}", f"{person} as {' or '.join(roles)}")


def head(entries: Sequence[Entry]) -> str:
    """The digest of the last line."""
    return digest_bytes(entries[-1].line()) if entries else FIRST


def standing(entries: Sequence[Entry], stage: PlanStageName, bundle_sha256: str) -> dict[str, Entry]:
    """The last word of each role about this bundle at this stage."""
    said = [entry for entry in entries if (entry.stage, entry.bundle_sha256) == (stage, bundle_sha256)]
    return {entry.role: entry for entry in said}


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _refused(where: str, got: str, wanted: str) -> BadInput:
    step = "see who changed the ledger, and bring back what stood there"
    return BadInput(where=where, got=got, wanted=wanted, next_step=step if ":" in where else "correct it")
