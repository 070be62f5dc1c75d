"""Nobody approves in another's name, in a role they lack, or what misses a criterion; the ledger shows every change."""

from __future__ import annotations

import json

import pytest
import yaml
from rich.console import Console

from trunnion.approvals.approving import Approval, approve, ledger_of
from trunnion.approvals.keys import load_key, make_key
from trunnion.approvals.ledger import Entry
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.proof import DetectorEvaluation
from trunnion_contract.usecase import UseCase, load_usecase

QUIET = Console(quiet=True)
FOUND = DetectorEvaluation(
    images=9, map50=0.95, map50_95=0.7, map50_by_class={"gear": 0.95}, confusion=((9, 0), (0, 0))
)


class Office:
    """A use case with a plan, the keys of its people, and a bundle that they look at."""

    def __init__(self, folder, bundle) -> None:
        self.bundle, self.file = bundle, folder / "small.yaml"
        self.keys = {name: folder / f"{name}.pem" for name in ("anna", "ben", "eve")}
        public = {name: make_key(file) for name, file in self.keys.items()}
        self.document = {
            "schema": 1, "name": "small", "version": "0.1.0", "problem": "count", "classes": ["gear"],
            "models": {"policy": {"env": "Pendulum-v1", "env_package": "gymnasium", "demonstrations": 1, "epochs": 1}},
            "plan": {
                "poc": {
                    "criteria": [{"what": "parts are found", "metric": "detector.map50", "min": 0.9}],
                    "approvals": ["sme"],
                },
                "mvp": {"approvals": ["sme", "owner"]},
                "approvers": {
                    "anna": {"key": public["anna"], "roles": ["sme"]},
                    "ben": {"key": public["ben"], "roles": ["owner", "sme"]},
                },
            },
        }  # fmt: skip
        self.file.write_text(yaml.safe_dump(self.document))

    @property
    def usecase(self) -> UseCase:
        return load_usecase(self.file)

    @property
    def ledger(self):
        return ledger_of(self.usecase, self.file)

    def approve(self, who="anna", role="sme", stage="poc", bundle=None, **more):
        approval = Approval(stage, role, **more)
        return approve(QUIET, self.usecase, self.file, approval, bundle or self.bundle, self.keys[who])

    def change(self, **stages) -> None:
        self.document["plan"].update(stages)
        self.file.write_text(yaml.safe_dump(self.document))


@pytest.fixture
def office(tmp_path, write_small_bundle) -> Office:
    return Office(tmp_path, write_small_bundle(detector=FOUND))


@pytest.fixture
def three(office) -> list[bytes]:
    """Three lines of a ledger."""
    office.approve()
    office.approve("ben", "owner", "mvp")
    office.approve("ben", "sme", "mvp", refused=True, comment="bolts")
    return office.ledger.path.read_bytes().splitlines(keepends=True)


def test_every_word_is_kept_signed_and_in_order(office, three):
    said = [(entry.person, entry.role, entry.stage, entry.verdict) for entry in office.ledger.read()]
    assert said == [
        ("anna", "sme", "poc", "approved"),
        ("ben", "owner", "mvp", "approved"),
        ("ben", "sme", "mvp", "refused"),
    ]
    assert {entry.bundle_sha256 for entry in office.ledger.read()} == {open_bundle(office.bundle).digest}


@pytest.mark.parametrize(
    ("harm", "line"),
    [
        (lambda lines: [lines[0].replace(b"poc", b"mvp"), *lines[1:]], 1),
        (lambda lines: [lines[0], lines[1].replace(b'"approved"', b'"refused"'), lines[2]], 2),
        (lambda lines: [lines[1], lines[0], lines[2]], 1),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: [*lines, lines[0]], 4),
        (lambda lines: [*lines, b"{}\n"], 4),
        (lambda lines: [b" " + lines[0], *lines[1:]], 1),
    ],
    ids=["stage", "verdict", "order", "first dropped", "middle dropped", "said again", "added", "space"],
)
def test_a_tampered_line_is_named(office, three, harm, line):
    office.ledger.path.write_bytes(b"".join(harm(three)))
    with pytest.raises(BadInput) as refused:
        office.ledger.read()
    assert f"{office.ledger.path}:{line}" in refused.value.where
    before = office.ledger.path.read_bytes()
    with pytest.raises(BadInput):
        office.approve()
    assert office.ledger.path.read_bytes() == before


def test_a_line_that_was_cut_short_is_refused(office, three):
    office.ledger.path.write_bytes(b"".join(three)[:-5])
    with pytest.raises(BadInput, match="cut short"):
        office.ledger.read()


def test_a_key_that_nobody_in_the_plan_has_approves_nothing(office):
    with pytest.raises(BadInput, match="a key of nobody in the plan"):
        office.approve("eve")
    assert office.ledger.read() == []


def test_nobody_speaks_in_a_role_that_is_not_theirs(office):
    with pytest.raises(BadInput, match="got anna as owner, wanted anna as sme"):
        office.approve("anna", "owner", "mvp")


def test_a_role_taken_away_takes_its_approvals_along(office, three):
    office.document["plan"]["approvers"]["ben"]["roles"] = ["sme"]
    office.change(mvp={"approvals": ["sme"]})
    with pytest.raises(BadInput, match="ben as owner"):
        office.ledger.read()


def test_a_forged_line_of_a_known_person_is_refused(office):
    office.approve()
    (entry,) = office.ledger.read()
    forged = entry.model_copy(update={"person": "ben", "role": "owner"})
    office.ledger.path.write_bytes(forged.line() + b"\n")
    with pytest.raises(BadInput, match="what ben did not sign"):
        office.ledger.read()


def test_an_approval_of_another_use_case_does_not_belong_here(office):
    office.approve()
    office.document["name"] = "other"
    office.change()
    with pytest.raises(BadInput, match="an approval of small"):
        office.ledger.read()
    with pytest.raises(BadInput, match="a bundle of small"):
        office.approve()


def test_what_misses_a_criterion_can_only_be_refused(office, write_small_bundle):
    poor = write_small_bundle("poor.trunnion", detector=FOUND.model_copy(update={"map50": 0.5}))
    with pytest.raises(GatesFailed, match=r"parts are found: 0\.5 \(wanted at least 0\.9\)"):
        office.approve(bundle=poor)
    office.approve(bundle=poor, refused=True)
    assert [entry.verdict for entry in office.ledger.read()] == ["refused"]


@pytest.mark.parametrize("asked", [{"stage": "beta"}, {"role": "owner", "who": "ben"}])
def test_a_stage_or_role_that_the_plan_does_not_ask_for_is_refused(office, asked):
    with pytest.raises(BadInput, match="wanted one"):
        office.approve(**asked)


def test_a_key_is_for_its_owner_alone_and_never_written_over(tmp_path):
    file = tmp_path / "keys" / "anna.pem"
    make_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadInput, match="never written over"):
        make_key(file)
    file.chmod(0o644)
    with pytest.raises(BadInput, match="others can read"):
        load_key(file)


def test_the_command_makes_a_key_and_signs_with_it(office, trunnion, tmp_path):
    answer = trunnion("approve", "keygen", "--key", tmp_path / "zoe.pem")
    public = answer.stdout.split("public")[1].split()[0]
    office.document["plan"]["approvers"]["zoe"] = {"key": public, "roles": ["sme"]}
    office.change()
    words = ("approve", office.file, "--role", "sme", "--stage", "poc", "--bundle", office.bundle)
    answer = trunnion(*words, TRUNNION_KEY=str(tmp_path / "zoe.pem"))
    assert answer.returncode == 0, answer.stderr
    assert Entry(**json.loads(office.ledger.path.read_text())).person == "zoe"
