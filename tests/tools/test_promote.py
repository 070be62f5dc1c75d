"""A candidate becomes champion when it is proven, approved and better; otherwise everything stays as it was."""

from __future__ import annotations

import pytest
from rich.console import Console

from trunnion.approvals.approving import Approval, approve
from trunnion.approvals.keys import make_key
from trunnion.registry import promoting
from trunnion.registry.comparing import compare
from trunnion.registry.promoting import promote
from trunnion.registry.versions import BUNDLE_DIGEST, Registry
from trunnion.tracking.outbox import Outbox
from trunnion.tracking.stage_run import Registration, StageRun
from trunnion.tracking.store import Store
from trunnion_contract.bundle import open_bundle
from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.plan import Plan
from trunnion_contract.proof import Comparison, DetectorEvaluation, Paired, ScenarioResult, wilson

QUIET = Console(quiet=True)


def seen(map50_95: float) -> DetectorEvaluation:
    return DetectorEvaluation(
        images=9, map50=0.95, map50_95=map50_95, map50_by_class={"gear": 0.95}, confusion=((8, 1), (0, 0))
    )


def against(champion, won: int, lost: int, p_worse: float = 0.5) -> Comparison:
    row = Paired(
        name="nominal", both=50, only_candidate=won, only_champion=lost, neither=0, p_value=1, p_worse=p_worse
    )
    digest = open_bundle(champion).proof.model_digest
    return Comparison(champion="small 0.1.0", model_digest=digest, alpha=0.05, scenarios=(row,), overall=row)


def played(successes: int) -> tuple[ScenarioResult, ...]:
    return (
        ScenarioResult(
            name="nominal", success=wilson(successes, 60), success_lower_min=None, limit_violations=0,
            interventions=0, median_time_s=1.5, trajectory_sha256="0",
        ),
    )  # fmt: skip


class Shop:
    """A registry of the small model, to which bundles are registered as `pack` does it."""

    def __init__(self, store: Store, folder, usecase) -> None:
        self.registry, self.folder, self.usecase = Registry(store, "small", folder / "cache"), folder, usecase
        self.outbox, self.count = Outbox(folder / "outbox"), 0

    def add(self, file) -> None:
        self.count += 1
        digest = open_bundle(file).digest
        new = Registration(name="small", bundle=file.name, tags={BUNDLE_DIGEST: digest}, description="")
        run = StageRun(
            run_id=f"{self.folder.name}-{self.count}", experiment="small", stage="pack", status="FINISHED",
            start_ms=self.count, end_ms=self.count, artifacts=(file.name,), registration=new,
        )  # fmt: skip
        self.outbox.put(run, [file])
        self.registry.store.send(run, self.outbox)

    def promote(self) -> None:
        promote(QUIET, self.usecase, self.folder / "small.yaml", self.folder)

    def digest_of(self, alias: str) -> str | None:
        found = self.registry.find(alias)
        return found.digest if found else None


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    return Store(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")


@pytest.fixture
def shop(store, tmp_path, small_flow, monkeypatch) -> Shop:
    shop = Shop(store, tmp_path, small_flow.small_usecase())
    monkeypatch.setattr(promoting, "registry_of", lambda runs, name: shop.registry)
    monkeypatch.setattr("trunnion.registry.comparing.registry_of", lambda runs, name: shop.registry)
    yield shop
    if shop.registry.find("1"):
        store.client.delete_registered_model("small")


def test_the_first_candidate_is_promoted_and_without_one_nothing_is(shop, small_bundle):
    with pytest.raises(BadInput, match="no version 'candidate'"):
        shop.promote()
    shop.add(small_bundle)
    shop.promote()
    assert shop.digest_of("champion") == open_bundle(small_bundle).digest
    assert shop.digest_of("candidate") is None


def test_the_same_bundle_stays_the_same_version(shop, small_bundle):
    shop.add(small_bundle)
    shop.add(small_bundle)
    assert len(shop.registry.store.client.search_model_versions("name = 'small'")) == 1


@pytest.mark.parametrize(("map50_95", "better"), [(0.8, True), (0.7, True), (0.6, False)])
def test_without_a_suite_accuracy_on_the_same_images_decides(shop, write_small_bundle, map50_95, better):
    same = {"dataset_digest": "1" * 64}
    first = write_small_bundle("first.trunnion", detector=seen(0.7), **same)
    second = write_small_bundle("second.trunnion", b"another", detector=seen(map50_95), **same)
    assert_second(shop, first, second, better)


def test_on_other_images_nothing_is_compared(shop, write_small_bundle):
    first = write_small_bundle("first.trunnion", detector=seen(0.7), dataset_digest="1" * 64)
    second = write_small_bundle("second.trunnion", b"another", detector=seen(0.9), dataset_digest="2" * 64)
    assert_second(shop, first, second, better=False, error=BadInput)


@pytest.mark.parametrize(
    ("won", "lost", "p_worse", "better"),
    [(5, 2, 0.9, True), (2, 2, 0.7, True), (2, 4, 0.3, False), (5, 4, 0.01, False)],
)
def test_in_a_suite_the_pairs_of_episodes_decide(shop, write_small_bundle, won, lost, p_worse, better):
    first = write_small_bundle("first.trunnion", scenarios=played(50))
    comparison = against(first, won, lost, p_worse)
    second = write_small_bundle("second.trunnion", b"another", scenarios=played(52), comparison=comparison)
    assert_second(shop, first, second, better)


def test_what_never_met_the_champion_is_told_how_to(shop, write_small_bundle):
    first = write_small_bundle("first.trunnion", scenarios=played(50))
    second = write_small_bundle("second.trunnion", b"another", scenarios=played(60))
    assert_second(shop, first, second, better=False, error=BadInput)


def assert_second(shop: Shop, first, second, better: bool, error=GatesFailed) -> None:
    shop.add(first)
    shop.promote()
    shop.add(second)
    if better:
        shop.promote()
    else:
        with pytest.raises(error):
            shop.promote()
    assert shop.digest_of("champion") == open_bundle(second if better else first).digest
    assert (shop.digest_of("candidate") is None) == better


def test_approvals_count_for_the_very_bundle_alone(shop, write_small_bundle, tmp_path):
    key = tmp_path / "anna.pem"
    people = {"anna": {"key": make_key(key), "roles": ["sme"]}}
    plan = Plan.model_validate({"mvp": {"approvals": ["sme"]}, "approvers": people})
    shop.usecase = shop.usecase.model_copy(update={"plan": plan})
    first, other = write_small_bundle("first.trunnion"), write_small_bundle("other.trunnion", b"another")
    shop.add(first)
    say = lambda bundle, **more: approve(  # noqa: E731
        QUIET, shop.usecase, tmp_path / "small.yaml", Approval("mvp", "sme", **more), bundle, key
    )
    say(other)
    with pytest.raises(GatesFailed, match=r"mvp: no approval as sme \(the ledger has approvals of 1 other"):
        shop.promote()
    say(first)
    say(first, refused=True)
    with pytest.raises(GatesFailed, match="mvp: sme refused"):
        shop.promote()
    say(first)
    shop.promote()
    assert shop.digest_of("champion") == open_bundle(first).digest
    ledger = tmp_path / "small.approvals.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))
    shop.add(other)
    with pytest.raises(BadInput, match="fewer lines than at the last promotion"):
        shop.promote()


def test_a_bundle_that_was_changed_in_the_store_is_refused(shop, write_small_bundle):
    first, other = write_small_bundle("first.trunnion"), write_small_bundle("other.trunnion", b"another")
    shop.add(first)
    version = shop.registry.get("candidate")
    artifacts = shop.registry.store.client.get_run(version.run_id).info.artifact_uri.removeprefix("file://")
    (shop.folder / other).replace(f"{artifacts}/first.trunnion")
    with pytest.raises(BadInput, match="wanted the registered one"):
        shop.promote()


def test_a_comparison_names_every_class_and_scenario_with_its_interval(shop, write_small_bundle):
    first = write_small_bundle("first.trunnion", detector=seen(0.7), scenarios=played(50))
    second = write_small_bundle("second.trunnion", b"another", detector=seen(0.8))
    console = Console(record=True, width=160, quiet=False, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    compare(console, "small", shop.folder, str(first), str(second))
    text = console.export_text()
    assert "gear: recall" in text
    assert "0.889 [0.565, 0.980], 8 of 9" in text
    assert "0.833 [0.720, 0.907], 50 of 60" in text
    assert "not measured" in text
