"""A bundle carries engines of its own networks, whole, or is refused; one without any is what it always was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from trunnion_contract import bundle
from trunnion_contract.attached_engines import ENGINES, AttachedEngines, check_engines, plan_file
from trunnion_contract.bundle import CARD, MANIFEST, MODEL, PROOF, REPORT, open_bundle, pack
from trunnion_contract.engine_key import EngineKey, PlanRecord
from trunnion_contract.errors import BadInput
from trunnion_contract.files import digest_bytes, write_json

NETWORK, PLAN = b"a network", b"a plan"


def record_of(**changes: object) -> PlanRecord:
    key = EngineKey(
        onnx_sha256=digest_bytes(NETWORK),
        runtime="tensorrt",
        runtime_version="10.3.0",
        cuda="12.6",
        gpu="Orin",
        compute_capability="8.7",
        driver="540.4.0",
        l4t="36.4.3",
        precision="as the network says",
        shapes={},
        settings={},
    )
    return PlanRecord(key=key.model_copy(update=changes), plan_sha256=digest_bytes(PLAN), compared="alike")


def write_engines(folder: Path, *records: PlanRecord) -> Path:
    folder.mkdir(exist_ok=True)
    for record in records:
        (folder / plan_file(record)).write_bytes(PLAN)
    listed = AttachedEngines.model_construct(schema_version=1, plans=records)
    write_json(folder / ENGINES, listed.model_dump(mode="json", by_alias=True))
    return folder


@pytest.fixture
def packed(tmp_path: Path, export_dir: Path, prove_dir: Path) -> Callable[..., Path]:
    """Packs the export with engines."""

    def packed(*records: PlanRecord) -> Path:
        path = tmp_path / "with_engines.trunnion"
        pack(export_dir, prove_dir, path, "# A model", write_engines(tmp_path / "engine", *records))
        return path

    return packed


def test_engines_of_several_devices_travel_in_one_bundle(packed: Callable[..., Path]) -> None:
    orin, thor = record_of(), record_of(gpu="Thor")
    opened = open_bundle(packed(orin, thor))
    assert opened.read(plan_file(orin)) == opened.read(plan_file(thor)) == PLAN
    assert opened.manifest.files[plan_file(orin)] == digest_bytes(PLAN)


def test_engines_change_neither_the_model_nor_its_proof(
    packed: Callable[..., Path], bundle_file: Path
) -> None:
    without, attached = open_bundle(bundle_file), open_bundle(packed(record_of()))
    assert without.contents[MODEL] == attached.contents[MODEL]
    assert without.proof == attached.proof
    assert attached.contents.keys() - without.contents.keys() == {ENGINES, plan_file(record_of())}


def test_a_bundle_without_engines_does_not_speak_of_them(bundle_file: Path) -> None:
    opened = open_bundle(bundle_file)
    assert set(opened.contents) == {MANIFEST, MODEL, PROOF, REPORT, CARD, "detector.onnx"}
    assert json.loads(opened.contents[MANIFEST]).keys() == {"schema", "name", "version", "files"}


def test_an_engine_of_another_network_is_not_packed(packed: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="an engine of another network"):
        packed(record_of(onnx_sha256=digest_bytes(b"another network")))
    assert not (tmp_path / "with_engines.trunnion").exists()


def cut(plan: Path) -> None:
    plan.write_bytes(PLAN[:-1])


def leave_another(plan: Path) -> None:
    plan.with_name("another.plan").write_bytes(PLAN)


@pytest.mark.parametrize(
    ("harm", "said"), [(cut, "other content than was built"), (Path.unlink, "a plan that cannot be read")]
)
def test_a_harmed_engine_is_not_packed(
    harm: Callable[[Path], None], said: str, export_dir: Path, prove_dir: Path, tmp_path: Path
) -> None:
    folder = write_engines(tmp_path / "engine", record_of())
    harm(folder / plan_file(record_of()))
    with pytest.raises(BadInput, match=said):
        pack(export_dir, prove_dir, tmp_path / "b.trunnion", "", folder)
    assert not (tmp_path / "b.trunnion").exists()


@pytest.mark.parametrize("file", ["plan", ENGINES])
def test_a_changed_byte_in_an_engine_is_found_when_the_bundle_is_opened(
    file: str, packed: Callable[..., Path], tmp_path: Path
) -> None:
    path, inside = packed(record_of()), {"plan": PLAN, ENGINES: b'"Orin"'}[file]
    assert path.read_bytes().count(inside) == 1
    path.write_bytes(path.read_bytes().replace(inside, inside[:-2] + b"_" + inside[-1:]))
    with pytest.raises(BadInput, match="damaged"):
        open_bundle(path)


def test_a_bundle_with_an_engine_of_another_network_is_not_opened_although_its_digests_agree(
    packed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unchecked:
        unchecked.setattr(bundle, "check_engines", lambda *arguments: None)
        path = packed(record_of(onnx_sha256=digest_bytes(b"another network")))
    with pytest.raises(BadInput, match="an engine of another network"):
        open_bundle(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({ENGINES: None}, "missing or not listed"),
        ({"stray.plan": PLAN}, "missing or not listed: stray.plan"),
        ({plan_file(record_of()): None}, "missing or not listed"),
        ({plan_file(record_of()): b"another plan"}, "other content than was built"),
        ({ENGINES: b"{}"}, "plans"),
        ({ENGINES: b"no JSON"}, ENGINES),
    ],
)
def test_engines_that_do_not_agree_with_their_list_are_refused(
    changes: dict[str, bytes | None], said: str, packed: Callable[..., Path]
) -> None:
    opened = open_bundle(packed(record_of()))
    harmed = {name: data for name, data in {**opened.contents, **changes}.items() if data is not None}
    with pytest.raises(BadInput, match=said):
        check_engines(harmed, opened.model.files(), "a bundle")


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([record_of(), record_of()], "one plan for each key"),
        ([record_of().model_copy(update={"fault": "boxes 80 px off"})], "plans without a fault"),
        ([], "plans"),
    ],
)
def test_a_list_of_plans_that_makes_no_sense_is_refused(
    records: list[PlanRecord], said: str, packed: Callable[..., Path]
) -> None:
    with pytest.raises(BadInput, match=said):
        packed(*records)
