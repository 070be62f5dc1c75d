"""The bundle: one file that a robot can run, with the proof that it may.

A zip of stored (uncompressed) entries in a fixed order with fixed times, so that the same input gives the same bytes.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.files import digest_bytes, digest_file, whole_file
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.proof import Proof
from trunnion_contract.strict import Strict, parse, read_json

SCHEMA_VERSION = 1
MANIFEST = "bundle.json"
MODEL = "model.json"
PROOF = "proof.json"
REPORT = "report.html"
CARD = "MODEL_CARD.md"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SIZE_MAX_BYTES = 4 << 30


class BundleManifest(Strict):
    """`bundle.json`: every other file in the bundle, by its SHA-256."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    name: str
    version: str
    files: dict[str, str]


@dataclass(frozen=True)
class Bundle:
    """An opened bundle, all of it verified."""

    path: Path
    digest: str
    manifest: BundleManifest
    model: ModelManifest
    proof: Proof
    contents: Mapping[str, bytes]

    def read(self, name: str) -> bytes:
        """The bytes of one file in the bundle."""
        return self.contents[name]


def pack(export_dir: Path, prove_dir: Path, bundle_file: Path, card: str) -> BundleManifest:
    """Write the bundle of an export and its proof.

    Raises:
        GatesFailed: the proof did not pass.
        BadInput: the proof is missing, or is of other files than those in `export_dir`.
        Broken: the disk is full; nothing is left under `bundle_file`'s name that was not there before.
    """
    model = read_json(ModelManifest, export_dir / MODEL)
    proof = _passing_proof(prove_dir / PROOF, model, export_dir)
    contents = {name: (export_dir / name).read_bytes() for name in (MODEL, *model.files())}
    contents |= {name: (prove_dir / name).read_bytes() for name in (PROOF, REPORT)}
    contents[CARD] = card.encode()
    digests = {name: digest_bytes(data) for name, data in sorted(contents.items())}
    manifest = BundleManifest(name=proof.name, version=proof.version, files=digests)
    text = manifest.model_dump_json(by_alias=True, indent=2).encode()
    with whole_file(bundle_file) as temporary:
        _write_zip(temporary, {MANIFEST: text, **dict(sorted(contents.items()))})
    return manifest


def open_bundle(path: Path) -> Bundle:
    """Read a bundle and verify all of it before a byte is used.

    Raises:
        BadInput: it is not a bundle, a byte differs, a file is missing or added, it comes from a newer Trunnion, or its
            proof is missing, failed or of other files.
    """
    contents = _read_zip(path)
    manifest = _manifest(contents, path)
    _verify_digests(contents, manifest, path)
    model = _parse_json(ModelManifest, contents, MODEL, path)
    proof = _parse_json(Proof, contents, PROOF, path)
    if not proof.passed or proof.files != model.files() or not _files_match(contents, model):
        raise _refused(path, "a proof that failed or is of other files", "a passing proof of the files inside")
    return Bundle(path, digest_file(path), manifest, model, proof, contents)


def _passing_proof(path: Path, model: ModelManifest, export_dir: Path) -> Proof:
    if not path.exists():
        raise BadInput(
            where=str(path), got="no proof", wanted="a passing proof of these files", next_step="run trunnion prove first"
        )
    proof = read_json(Proof, path)
    if not proof.passed:
        failed = [gate for gate in proof.gates if not gate.passed]
        raise GatesFailed(
            where=str(path),
            got=", ".join(f"{gate.name} {gate.got}" for gate in failed),
            wanted=", ".join(gate.wanted for gate in failed),
            next_step=f"look at {path.with_name(REPORT)}, improve the model, prove it again",
        )
    shipped = {name: digest_file(export_dir / name) for name in model.files()}
    if proof.files != shipped or shipped != model.files() or proof.usecase_digest != model.usecase_digest:
        raise BadInput(
            where=str(path),
            got="a proof of other files than those in the export folder",
            wanted="a proof of the same digests",
            next_step="run trunnion prove again",
        )
    return proof


def _write_zip(path: Path, contents: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)


def _read_zip(path: Path) -> dict[str, bytes]:
    if not path.is_file():
        raise BadInput(
            where=str(path), got="no such file", wanted="a bundle (*.trunnion)", next_step="check the path, or make it with trunnion pack"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > _SIZE_MAX_BYTES:
                raise _refused(path, "more than 4 GiB of content", "a bundle")
            if len({entry.filename for entry in entries}) != len(entries):
                raise _refused(path, "a file name that occurs twice", "each file once")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _refused(path, f"a file that is damaged or no bundle ({error})", "a whole bundle") from None


def _manifest(contents: Mapping[str, bytes], path: Path) -> BundleManifest:
    if MANIFEST not in contents:
        raise _refused(path, f"no {MANIFEST} inside", "a bundle")
    try:
        value = json.loads(contents[MANIFEST])
    except ValueError:
        raise _refused(path, f"a {MANIFEST} that is not JSON", "a whole bundle") from None
    version = value.get("schema") if isinstance(value, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BadInput(
            where=str(path),
            got=f"bundle schema {version}",
            wanted=f"schema {SCHEMA_VERSION} or older",
            next_step="update Trunnion on this machine, or pack the bundle with this version",
        )
    return parse(BundleManifest, value, f"{path}: {MANIFEST}")


def _verify_digests(contents: Mapping[str, bytes], manifest: BundleManifest, path: Path) -> None:
    present, listed = contents.keys() - {MANIFEST}, manifest.files.keys()
    if PROOF not in listed:
        raise _refused(path, "no proof inside", "a bundle with a passing proof")
    if present != listed:
        names = ", ".join(sorted(present ^ listed))
        raise _refused(path, f"files that are missing or not listed: {names}", "exactly the files that the manifest lists")
    for name, wanted in manifest.files.items():
        if digest_bytes(contents[name]) != wanted:
            raise _refused(path, f"{name} with other content than was packed", f"SHA-256 {wanted[:12]}…")


def _parse_json(kind: Any, contents: Mapping[str, bytes], name: str, path: Path) -> Any:
    if name not in contents:
        raise _refused(path, f"no {name} inside", "a whole bundle")
    return parse(kind, json.loads(contents[name]), f"{path}: {name}")


def _files_match(contents: Mapping[str, bytes], model: ModelManifest) -> bool:
    return all(name in contents and digest_bytes(contents[name]) == digest for name, digest in model.files().items())


def _refused(path: Path, got: str, wanted: str) -> BadInput:
    return BadInput(where=str(path), got=got, wanted=wanted, next_step="fetch the bundle again, or pack it anew")
