from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunnion_contract.bundle import CARD, MANIFEST, MODEL, PROOF, REPORT, open_bundle, pack
from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.files import digest_bytes, write_json
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.proof import DetectorEvaluation, Gate, Proof, ScenarioResult, VariantProof, wilson

FAILED = Gate(name="closed loop", got="0.51", wanted="at least 0.80", passed=False)


# ---- packing


def test_a_bundle_gives_back_what_went_in(bundle_file: Path) -> None:
    bundle = open_bundle(bundle_file)
    assert bundle.read("detector.onnx") == b"a network"
    assert bundle.read(CARD) == b"# A model"
    assert bundle.model.name == bundle.proof.name == bundle.manifest.name == "cell"
    assert bundle.digest == digest_bytes(bundle_file.read_bytes())
    assert set(bundle.contents) == {MANIFEST, MODEL, PROOF, REPORT, CARD, "detector.onnx"}


def test_the_same_input_gives_the_same_bytes(
    bundle_file: Path, export_dir: Path, prove_dir: Path, tmp_path: Path
) -> None:
    os.utime(export_dir / "detector.onnx", (1, 1))
    pack(export_dir, prove_dir, tmp_path / "again.trunnion", card="# A model")
    assert (tmp_path / "again.trunnion").read_bytes() == bundle_file.read_bytes()


def test_a_bundle_is_a_zip_that_any_tool_reads(bundle_file: Path) -> None:
    with zipfile.ZipFile(bundle_file) as archive:
        assert archive.testzip() is None
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())


def test_packing_without_a_proof_is_refused(export_dir: Path, prove_dir: Path, tmp_path: Path) -> None:
    (prove_dir / PROOF).unlink()
    with pytest.raises(BadInput, match="no proof"):
        pack(export_dir, prove_dir, tmp_path / "b.trunnion", card="")
    assert not (tmp_path / "b.trunnion").exists()


def test_packing_with_a_failed_proof_names_the_gate(
    export_dir: Path, prove_dir: Path, tmp_path: Path, rewrite_proof: Callable[..., None]
) -> None:
    rewrite_proof(gates=(FAILED,))
    with pytest.raises(GatesFailed, match=r"closed loop 0\.51, wanted at least 0\.80"):
        pack(export_dir, prove_dir, tmp_path / "b.trunnion", card="")


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {"detector.onnx": "0" * 64}},
        {"files": {}},
        {"usecase_digest": "0" * 64},
        {"dataset_digest": "0" * 64},
        {"name": "another"},
        {"version": "9.9.9"},
    ],
)
def test_packing_with_the_proof_of_another_export_is_refused(
    export_dir: Path,
    prove_dir: Path,
    tmp_path: Path,
    rewrite_proof: Callable[..., None],
    changes: dict[str, object],
) -> None:
    rewrite_proof(**changes)
    with pytest.raises(BadInput, match="proof of other files"):
        pack(export_dir, prove_dir, tmp_path / "b.trunnion", card="")


def test_a_network_changed_after_the_proof_is_refused(
    export_dir: Path, prove_dir: Path, tmp_path: Path
) -> None:
    (export_dir / "detector.onnx").write_bytes(b"another network")
    with pytest.raises(BadInput, match="proof of other files"):
        pack(export_dir, prove_dir, tmp_path / "b.trunnion", card="")


def test_a_manifest_changed_after_the_proof_is_refused(
    export_dir: Path, prove_dir: Path, tmp_path: Path
) -> None:
    model = json.loads((export_dir / "model.json").read_text())
    model["problem"] = "something else"
    (export_dir / "model.json").write_text(json.dumps(model))
    with pytest.raises(BadInput, match="proof of other files"):
        pack(export_dir, prove_dir, tmp_path / "b.trunnion", card="")


@pytest.mark.parametrize("missing", ["export/detector.onnx", "export/model.json", "prove/report.html"])
def test_packing_names_the_file_that_is_missing(
    export_dir: Path, prove_dir: Path, tmp_path: Path, missing: str
) -> None:
    (tmp_path / missing).unlink()
    with pytest.raises(BadInput, match=Path(missing).name):
        pack(export_dir, prove_dir, tmp_path / "b.trunnion", card="")


# ---- opening


def test_any_changed_byte_is_refused(bundle_file: Path) -> None:
    whole = bundle_file.read_bytes()
    for position in range(len(whole)):
        bundle_file.write_bytes(whole[:position] + bytes([whole[position] ^ 0x01]) + whole[position + 1 :])
        with pytest.raises(BadInput):
            open_bundle(bundle_file)


def test_any_cut_is_refused(bundle_file: Path) -> None:
    whole = bundle_file.read_bytes()
    for length in range(0, len(whole), 7):
        bundle_file.write_bytes(whole[:length])
        with pytest.raises(BadInput):
            open_bundle(bundle_file)


@pytest.mark.parametrize("place", ["before", "after"])
def test_added_bytes_are_refused(bundle_file: Path, place: str) -> None:
    whole = bundle_file.read_bytes()
    bundle_file.write_bytes(b"x" + whole if place == "before" else whole + b"x")
    with pytest.raises(BadInput):
        open_bundle(bundle_file)


@settings(max_examples=200, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=40), st.integers(0, 40)), min_size=1
    )
)
def test_damage_of_any_kind_ends_in_bad_input(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[float, bytes, int]]
) -> None:
    data = _sealed({MANIFEST: _manifest({PROOF: b"{}"}), PROOF: b"{}"})
    for share, added, removed in edits:
        start = int(share * len(data))
        data = data[:start] + added + data[start + removed :]
    path = tmp_path_factory.getbasetemp() / "damaged.trunnion"
    path.write_bytes(data)
    with pytest.raises(BadInput) as refusal:
        open_bundle(path)
    assert refusal.value.next_step


@settings(max_examples=200, deadline=None)
@given(
    text=st.one_of(
        st.binary(max_size=60),
        st.recursive(st.none(), st.lists, max_leaves=4).map(lambda v: json.dumps(v).encode()),
    )
)
def test_a_sealed_bundle_with_nonsense_inside_ends_in_bad_input(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "nonsense.trunnion"
    for contents in (
        {MANIFEST: text, PROOF: b""},
        {MANIFEST: _manifest({PROOF: b"", MODEL: text}), PROOF: b"", MODEL: text},
    ):
        path.write_bytes(_sealed(contents))
        with pytest.raises(BadInput):
            open_bundle(path)


def test_json_nested_without_end_ends_in_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "deep.trunnion"
    path.write_bytes(_sealed({MANIFEST: b"[" * 200_000}))
    with pytest.raises(BadInput):
        open_bundle(path)


def test_a_bundle_without_a_proof_is_refused(bundle_file: Path) -> None:
    _repack(bundle_file, lambda files: files.pop(PROOF))
    with pytest.raises(BadInput, match="no proof inside"):
        open_bundle(bundle_file)


def test_a_bundle_with_a_failed_proof_is_refused(bundle_file: Path) -> None:
    _repack(bundle_file, lambda files: _change_json(files, PROOF, gates=[FAILED.model_dump()]))
    with pytest.raises(BadInput, match="a proof that failed"):
        open_bundle(bundle_file)


def test_a_bundle_with_another_network_and_consistent_digests_is_refused(bundle_file: Path) -> None:
    _repack(bundle_file, lambda files: files.update({"detector.onnx": b"another network"}))
    with pytest.raises(BadInput, match="of other files"):
        open_bundle(bundle_file)


def test_a_bundle_whose_manifest_is_not_the_proven_one_is_refused_although_its_digests_agree(
    bundle_file: Path,
) -> None:
    _repack(bundle_file, lambda files: _change_json(files, MODEL, problem="something else"))
    with pytest.raises(BadInput, match="of other files"):
        open_bundle(bundle_file)


def test_a_bundle_from_a_newer_schema_says_so(bundle_file: Path) -> None:
    with zipfile.ZipFile(bundle_file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    _change_json(contents, MANIFEST, schema=2, something_new=True)
    with zipfile.ZipFile(bundle_file, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    with pytest.raises(BadInput, match="bundle schema 2, wanted schema 1 or older") as refusal:
        open_bundle(bundle_file)
    assert "update Trunnion" in refusal.value.next_step


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/b", "..\\evil"])
def test_a_file_name_that_leads_out_of_the_folder_is_refused(bundle_file: Path, name: str) -> None:
    _repack(bundle_file, lambda files: files.update({name: b"x"}))
    with pytest.raises(BadInput, match="file name with a folder"):
        open_bundle(bundle_file)


def test_compressed_content_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    path = tmp_path / "bomb.trunnion"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, bytes(10_000_000))
    with pytest.raises(BadInput, match="compressed"):
        open_bundle(path)


def test_a_file_that_is_listed_and_missing_is_named(bundle_file: Path) -> None:
    _repack(bundle_file, lambda files: files.pop(REPORT), keep_listed=True)
    with pytest.raises(BadInput, match=REPORT):
        open_bundle(bundle_file)


@pytest.mark.parametrize("path", ["missing.trunnion", "."])
def test_a_path_without_a_bundle_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadInput, match="no such file"):
        open_bundle(tmp_path / path)


# ---- a full disk, real: the kernel refuses the write


def test_a_limit_on_file_size_while_packing_leaves_what_stood_there(
    export_dir: Path, prove_dir: Path, tmp_path: Path
) -> None:
    _grow_report(prove_dir)
    target = tmp_path / "out" / "b.trunnion"
    target.parent.mkdir()
    target.write_bytes(b"the bundle of yesterday")
    result = _pack_in_child(
        export_dir, prove_dir, target, "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))"
    )
    assert "a full disk" in result.stdout, result.stderr
    assert target.read_bytes() == b"the bundle of yesterday"
    assert [path.name for path in target.parent.iterdir()] == ["b.trunnion"]


@pytest.mark.skipif(
    not shutil.which("unshare")
    or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="this machine lets no process mount a file system of its own",
)
def test_a_full_disk_while_packing_leaves_nothing(export_dir: Path, prove_dir: Path, tmp_path: Path) -> None:
    _grow_report(prove_dir)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', {str(disk)!r}], check=True)"
    result = _pack_in_child(export_dir, prove_dir, disk / "b.trunnion", mount, "unshare", "-rm")
    assert "a full disk" in result.stdout, result.stderr
    assert result.stdout.splitlines()[-1] == "left: []"


def _pack_in_child(
    export_dir: Path, prove_dir: Path, target: Path, before: str, *prefix: str
) -> subprocess.CompletedProcess[str]:
    program = f"""
import os, resource, subprocess
from pathlib import Path
from trunnion_contract.bundle import pack
from trunnion_contract.errors import Broken
{before}
try:
    pack(Path({str(export_dir)!r}), Path({str(prove_dir)!r}), Path({str(target)!r}), card="")
except Broken as error:
    print(error)
print("left:", os.listdir({str(target.parent)!r}))
"""
    return subprocess.run(
        [*prefix, sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )


def _grow_report(prove_dir: Path) -> None:
    (prove_dir / REPORT).write_text("x" * 200_000)


# ---- bundles that somebody made by hand, with a seal that fits


def _manifest(files: dict[str, bytes]) -> bytes:
    digests = {name: digest_bytes(data) for name, data in files.items()}
    return json.dumps({"schema": 1, "name": "cell", "version": "0.1.0", "files": digests}).encode()


def _sealed(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
        archive.comment = b"sha256:" + bytes(64)
    unsealed = buffer.getvalue()[:-71]
    return unsealed + b"sha256:" + digest_bytes(unsealed).encode()


def _repack(path: Path, change: Callable[[dict[str, bytes]], object], keep_listed: bool = False) -> None:
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    listed = contents.pop(MANIFEST)
    change(contents)
    path.write_bytes(_sealed({MANIFEST: listed if keep_listed else _manifest(contents), **contents}))


def _change_json(contents: dict[str, bytes], name: str, **changes: object) -> None:
    contents[name] = json.dumps(json.loads(contents[name]) | changes).encode()


# ---- more than one precision


EVALUATION = DetectorEvaluation(images=9, map50=0.9, map50_95=0.7, map50_by_class={}, confusion=())
NOMINAL = ScenarioResult(
    name="nominal",
    success=wilson(9, 9),
    success_lower_min=None,
    limit_violations=0,
    interventions=0,
    median_time_s=None,
    trajectory_sha256="0",
)


@pytest.fixture
def pack_in_int8(
    export_dir: Path, prove_dir: Path, tmp_path: Path, model_in_int8: ModelManifest, proof: Proof
) -> Callable[..., Path]:
    """Pack an export in two precisions with a proof that has these variants in it, all else in agreement."""

    def packed(variants: tuple[VariantProof, ...], **changes: object) -> Path:
        (export_dir / "detector.int8.onnx").write_bytes(b"a network in int8")
        write_json(export_dir / MODEL, model_in_int8.model_dump(mode="json", by_alias=True))
        of_both = {"files": model_in_int8.files(), "model_digest": model_in_int8.digest(), **changes}
        whole = proof.model_copy(update={**of_both, "variants": variants})
        write_json(prove_dir / PROOF, whole.model_dump(mode="json", by_alias=True))
        pack(export_dir, prove_dir, tmp_path / "int8.trunnion", card="")
        return tmp_path / "int8.trunnion"

    return packed


def _proven(precision: str = "int8", network: bytes = b"a network in int8", **found: object) -> VariantProof:
    return VariantProof.model_validate(
        {"precision": precision, "sha256": digest_bytes(network), "detector": EVALUATION, **found}
    )


def test_a_bundle_carries_every_network_that_was_proven(pack_in_int8: Callable[..., Path]) -> None:
    bundle = open_bundle(pack_in_int8((_proven(),)))
    assert bundle.read("detector.int8.onnx") == b"a network in int8"
    assert bundle.proof.variants[0].precision == "int8"


@pytest.mark.parametrize(
    "variants",
    [(), (_proven("fp16"),), (_proven(network=b"another"),), (_proven(), _proven("fp16"))],
    ids=["none", "another precision", "another network", "one too many"],
)
def test_networks_that_the_proof_does_not_cover_are_not_packed(
    variants: tuple[VariantProof, ...], pack_in_int8: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="a proof of other files"):
        pack_in_int8(variants)
    assert not (tmp_path / "int8.trunnion").exists()


def test_a_proof_in_closed_loop_has_played_every_precision(pack_in_int8: Callable[..., Path]) -> None:
    with pytest.raises(BadInput, match="a proof of other files"):
        pack_in_int8((_proven(),), scenarios=(NOMINAL,))
    open_bundle(pack_in_int8((_proven(nominal=NOMINAL),), scenarios=(NOMINAL,)))


def test_a_bundle_with_a_network_that_was_not_proven_is_refused(
    pack_in_int8: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as careless:
        careless.setattr("trunnion_contract.bundle._covers_variants", lambda proof, model: True)
        path = pack_in_int8(())
    with pytest.raises(BadInput, match="a proof that failed or is of other files"):
        open_bundle(path)


def test_a_changed_int8_file_is_not_packed(
    pack_in_int8: Callable[..., Path], export_dir: Path, prove_dir: Path, tmp_path: Path
) -> None:
    pack_in_int8((_proven(),))
    (export_dir / "detector.int8.onnx").write_bytes(b"a network in int9")
    with pytest.raises(BadInput, match="a proof of other files"):
        pack(export_dir, prove_dir, tmp_path / "b.trunnion", card="")
