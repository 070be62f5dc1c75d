"""The bundle: one file that a robot can run, with the proof that it may.

A zip of stored (uncompressed) entries in a fixed order with fixed times, so that the same input gives the same
bytes. Its comment is a seal: the SHA-256 of every byte before it. The manifest's digests say which file differs;
the seal also covers what belongs to no file (headers, the directory, bytes in between).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from pydantic import Field

from trunnion_contract.attached_engines import check_engines, engine_files
from trunnion_contract.errors import BadInput, GatesFailed
from trunnion_contract.files import digest_bytes, whole_file
from trunnion_contract.manifest import ModelManifest
from trunnion_contract.proof import Proof
from trunnion_contract.strict import Strict, json_value, parse, parse_json, read_json

SCHEMA_VERSION: Final = 1
MANIFEST = "bundle.json"
MODEL = "model.json"
PROOF = "proof.json"
REPORT = "report.html"
CARD = "MODEL_CARD.md"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SIZE_MAX_BYTES = 4 << 30
_SEAL = "sha256:"
_SEAL_BYTES = len(_SEAL) + 64


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


def pack(
    export_dir: Path, prove_dir: Path, bundle_file: Path, card: str, engine_dir: Path | None = None
) -> BundleManifest:
    """Write the bundle of an export and its proof, with the built engines in `engine_dir` where one is given.

    Raises:
        GatesFailed: the proof did not pass.
        BadInput: the proof is missing, or is of other files than those in `export_dir`, or so is an engine.
        Broken: the disk is full; nothing is left under `bundle_file`'s name that was not there before.
    """
    model = read_json(ModelManifest, export_dir / MODEL)
    networks = {name: _part(export_dir / name, "trunnion export") for name in model.files()}
    proof = _passing_proof(prove_dir / PROOF, model, networks)
    contents = {MODEL: _part(export_dir / MODEL, "trunnion export"), CARD: card.encode(), **networks}
    contents |= {name: _part(prove_dir / name, "trunnion prove") for name in (PROOF, REPORT)}
    contents |= engine_files(engine_dir) if engine_dir else {}
    check_engines(contents, model.files(), str(engine_dir or export_dir))
    digests = {name: digest_bytes(data) for name, data in sorted(contents.items())}
    manifest = BundleManifest(name=proof.name, version=proof.version, files=digests)
    text = manifest.model_dump_json(by_alias=True, indent=2).encode()
    with whole_file(bundle_file) as temporary:
        temporary.write_bytes(_sealed_zip({MANIFEST: text, **dict(sorted(contents.items()))}))
    return manifest


def open_bundle(path: Path) -> Bundle:
    """Read a bundle and verify all of it before a byte is used.

    Raises:
        BadInput: it is not a bundle, a byte differs, a file is missing or added, it comes from a newer Trunnion,
            its proof is missing, failed or of other files, or it has an engine of another network.
    """
    data = _read_bytes(path)
    contents = _read_zip(data, path)
    manifest = _manifest(contents, path)
    _verify_seal(data, path)
    _verify_digests(contents, manifest, path)
    model = parse_json(ModelManifest, _entry(contents, MODEL, path), f"{path}: {MODEL}")
    proof = parse_json(Proof, _entry(contents, PROOF, path), f"{path}: {PROOF}")
    if not proof.passed or not _is_of(proof, model) or not _files_match(contents, model):
        raise _refused(
            path, "a proof that failed or is of other files", "a passing proof of the files inside"
        )
    check_engines(contents, model.files(), str(path))
    return Bundle(path, digest_bytes(data), manifest, model, proof, contents)


def _passing_proof(path: Path, model: ModelManifest, networks: Mapping[str, bytes]) -> Proof:
    if not path.exists():
        raise BadInput(
            where=str(path),
            got="no proof",
            wanted="a passing proof of these files",
            next_step="run trunnion prove first",
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
    if not _is_of(proof, model) or not _files_match(networks, model):
        raise BadInput(
            where=str(path),
            got="a proof of other files than those in the export folder",
            wanted="a proof of the same digests",
            next_step="run trunnion prove again",
        )
    return proof


def _is_of(proof: Proof, model: ModelManifest) -> bool:
    """Whether the proof was made of just this export, and of at least one network."""
    of_proof = (proof.name, proof.version, proof.usecase_digest, proof.dataset_digest, proof.files)
    of_model = (model.name, model.version, model.usecase_digest, model.dataset_digest, model.files())
    # The digest of the manifest covers what no network says: limits, layout, labels, thresholds, rate.
    same = of_proof == of_model and proof.model_digest == model.digest() and bool(proof.files)
    return same and _covers_variants(proof, model)


def _covers_variants(proof: Proof, model: ModelManifest) -> bool:
    """Whether each precision was proven by itself, in closed loop where the proof has one; a digest is no proof."""
    variants = model.detector.variants if model.detector else ()
    shipped = [(variant.precision, variant.sha256) for variant in variants]
    proven = [(of.precision, of.sha256) for of in proof.variants if of.nominal or not proof.scenarios]
    return proven == shipped


def _files_match(contents: Mapping[str, bytes], model: ModelManifest) -> bool:
    return all(
        name in contents and digest_bytes(contents[name]) == digest for name, digest in model.files().items()
    )


def _part(path: Path, made_by: str) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise BadInput(
            where=str(path), got="no such file", wanted="a file to pack", next_step=f"run {made_by} again"
        ) from None


def _sealed_zip(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
        archive.comment = bytes(_SEAL_BYTES)
    unsealed = buffer.getvalue()[:-_SEAL_BYTES]
    return unsealed + _seal(unsealed)


def _seal(data: bytes) -> bytes:
    return (_SEAL + digest_bytes(data)).encode()


def _verify_seal(data: bytes, path: Path) -> None:
    if data[-_SEAL_BYTES:] != _seal(data[:-_SEAL_BYTES]):
        raise _refused(path, "bytes that were changed after packing", "the bytes that its seal names")


def _read_bytes(path: Path) -> bytes:
    """The file's bytes, read once, so that what is used is what was verified."""
    if not path.is_file():
        raise BadInput(
            where=str(path),
            got="no such file",
            wanted="a bundle (*.trunnion)",
            next_step="check the path, or make it with trunnion pack",
        )
    if path.stat().st_size > _SIZE_MAX_BYTES:
        raise _refused(path, "more than 4 GiB", "a bundle")
    try:
        return path.read_bytes()
    except OSError as error:
        raise _refused(path, f"a file that cannot be read ({error.strerror})", "a bundle") from None


def _read_zip(data: bytes, path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries, path)
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _refused(path, f"a file that is damaged or no bundle ({error})", "a whole bundle") from None


def _check_entries(entries: list[zipfile.ZipInfo], path: Path) -> None:
    """Refuse what `pack` never writes before it costs memory, or leads outside of a folder."""
    if len({entry.filename for entry in entries}) != len(entries):
        raise _refused(path, "a file name that occurs twice", "each file once")
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED:
            raise _refused(path, f"{entry.filename} compressed", "stored files")
        if PurePosixPath(entry.filename).name != entry.filename or "\\" in entry.filename:
            raise _refused(path, f"a file name with a folder ({entry.filename!r})", "plain file names")


def _manifest(contents: Mapping[str, bytes], path: Path) -> BundleManifest:
    where = f"{path}: {MANIFEST}"
    value = json_value(_entry(contents, MANIFEST, path), where)
    version = value.get("schema") if isinstance(value, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BadInput(
            where=str(path),
            got=f"bundle schema {version}",
            wanted=f"schema {SCHEMA_VERSION} or older",
            next_step="update Trunnion on this machine, or pack the bundle with this version",
        )
    return parse(BundleManifest, value, where)


def _verify_digests(contents: Mapping[str, bytes], manifest: BundleManifest, path: Path) -> None:
    present, listed = contents.keys() - {MANIFEST}, manifest.files.keys()
    if PROOF not in present:
        raise _refused(path, "no proof inside", "a bundle with a passing proof")
    if present != listed:
        names = ", ".join(sorted(present ^ listed))
        raise _refused(
            path,
            f"files that are missing or not listed: {names}",
            "exactly the files that the manifest lists",
        )
    for name, wanted in manifest.files.items():
        if digest_bytes(contents[name]) != wanted:
            raise _refused(path, f"{name} with other content than was packed", f"SHA-256 {wanted[:12]}…")


def _entry(contents: Mapping[str, bytes], name: str, path: Path) -> bytes:
    if name not in contents:
        raise _refused(path, f"no {name} inside", "a whole bundle")
    return contents[name]


def _refused(path: Path, got: str, wanted: str) -> BadInput:
    return BadInput(
        where=str(path), got=got, wanted=wanted, next_step="fetch the bundle again, or pack it anew"
    )
