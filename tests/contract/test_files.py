from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunnion_contract.files import (
    digest_bytes,
    digest_file,
    digest_json,
    digest_tree,
    whole_file,
    whole_folder,
    write_json,
    write_text,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a") as temporary:
        temporary.write_text("half")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_text() == "half"
    assert _names(tmp_path) == ["a"]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_what_stood_there(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    (tmp_path / "a").write_text("old")

    def interrupted() -> None:
        with whole_file(tmp_path / "a") as temporary:
            temporary.write_text("new")
            raise interruption

    with pytest.raises(interruption):
        interrupted()
    assert (tmp_path / "a").read_text() == "old"
    assert _names(tmp_path) == ["a"]


def test_a_killed_write_leaves_what_stood_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    program = (
        "import sys, time; from pathlib import Path; from trunnion_contract.files import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('new'); print('written', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "a")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "written\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert (tmp_path / "a").read_text() == "old"


def test_missing_folders_on_the_way_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c", "text")
    assert (tmp_path / "a" / "b" / "c").read_text() == "text"


def test_others_may_read_what_was_written(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "text")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_folder_replaces_the_old_one_in_one_step(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with whole_folder(tmp_path / "stage") as work:
            (work / content).write_text(content)
    assert _names(tmp_path) == ["stage"]
    assert _names(tmp_path / "stage") == ["new"]


def test_an_unfinished_folder_is_found_again_and_the_old_one_stays(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "stage") as work:
        (work / "result").write_text("old")

    def interrupted() -> None:
        with whole_folder(tmp_path / "stage") as work:
            (work / "half").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _names(tmp_path / "stage") == ["result"]
    with whole_folder(tmp_path / "stage") as work:
        assert _names(work) == ["half"]


@given(json_values)
def test_json_digests_do_not_depend_on_the_order_of_keys(value: object) -> None:
    def reversed_keys(item: object) -> object:
        if isinstance(item, dict):
            return {key: reversed_keys(item[key]) for key in reversed(item)}
        return [reversed_keys(entry) for entry in item] if isinstance(item, list) else item

    assert (
        digest_json(value) == digest_json(reversed_keys(value)) == digest_json(json.loads(json.dumps(value)))
    )


def test_json_is_written_the_same_way_every_time(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 1, "a": [1.5, None]})
    write_json(tmp_path / "b", {"a": [1.5, None], "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(data)
    assert digest_file(tmp_path / "a") == digest_bytes(data)
    assert (
        digest_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )  # FIPS 180-2, B.1


def test_a_tree_digest_sees_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    def tree(**files: str) -> str:
        root = tmp_path / str(time.monotonic_ns())
        for name, text in files.items():
            write_text(root / name.replace("__", "/"), text)
        return digest_tree(root)

    first = tree(a="1", d__b="2")
    assert first == tree(d__b="2", a="1")
    assert first != tree(a="1", d__b="3")
    assert first != tree(a="1", d__c="2")
    assert first != tree(a="1", b="2")
    assert tree(a="12", b="") != tree(a="1", b="2")
