from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import Strict, parse, read_json, read_yaml


class Camera(Strict):
    kind: Literal["camera"]
    width_px: int = Field(ge=16)
    angle_deg: float = 0.0


class Lidar(Strict):
    kind: Literal["lidar"]
    range_m: float


class Rig(Strict):
    schema_version: Literal[1] = Field(alias="schema")
    sensors: tuple[Annotated[Camera | Lidar, Field(discriminator="kind")], ...] = ()
    spare: Camera | None = None
    places: dict[str, Lidar] = Field(default_factory=dict)


def _refusal(value: object) -> BadInput:
    with pytest.raises(BadInput) as refusal:
        parse(Rig, value, "rig.yaml")
    return refusal.value


def test_a_contract_cannot_be_changed_afterwards() -> None:
    rig = parse(Rig, {"schema": 1}, "rig.yaml")
    with pytest.raises(ValueError, match="frozen"):
        rig.sensors = ()  # type: ignore[misc]


def test_an_unknown_key_comes_with_the_nearest_known_one() -> None:
    refusal = _refusal({"schema": 1, "sensros": []})
    assert refusal.where == "rig.yaml: sensros"
    assert refusal.next_step == "did you mean 'sensors'?"


def test_an_unknown_key_like_no_other_comes_with_the_known_ones() -> None:
    refusal = _refusal({"schema": 1, "zzz": 1})
    assert refusal.wanted == "one of places, schema, sensors, spare"


def test_a_misspelt_key_is_reported_before_the_missing_one_it_explains() -> None:
    assert _refusal({"shcema": 1}).next_step == "did you mean 'schema'?"


def test_an_unknown_key_deep_inside_is_looked_up_in_its_own_model() -> None:
    refusal = _refusal({"schema": 1, "sensors": [{"kind": "lidar", "range_m": 1, "width_px": 5}]})
    assert refusal.where == "rig.yaml: sensors.0.width_px"
    assert refusal.wanted == "one of kind, range_m"
    refusal = _refusal({"schema": 1, "places": {"roof": {"kind": "lidar", "rnage_m": 1}}})
    assert refusal.where == "rig.yaml: places.roof.rnage_m"
    assert refusal.next_step == "did you mean 'range_m'?"


def test_a_wrong_kind_comes_with_the_kinds_there_are() -> None:
    refusal = _refusal({"schema": 1, "sensors": [{"kind": "lidra", "range_m": 1}]})
    assert refusal.where == "rig.yaml: sensors.0.kind"
    assert refusal.wanted == "one of camera, lidar"
    assert refusal.next_step == "did you mean 'lidar'?"


def test_a_missing_kind_is_asked_for() -> None:
    assert _refusal({"schema": 1, "sensors": [{"range_m": 1}]}).where == "rig.yaml: sensors.0.kind"


def test_a_wrong_unit_in_a_name_is_answered_with_the_right_one() -> None:
    refusal = _refusal({"schema": 1, "spare": {"kind": "camera", "width_px": 64, "angle_rad": 1.0}})
    assert refusal.wanted == "'angle_deg', in degrees"


def test_a_value_with_its_own_unit_is_told_the_unit_of_the_key() -> None:
    refusal = _refusal({"schema": 1, "places": {"roof": {"kind": "lidar", "range_m": "20 mm"}}})
    assert refusal.got == "'20 mm'"
    assert refusal.wanted == "a valid number, in metres"


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_numbers_that_are_no_numbers_are_refused(number: str) -> None:
    value = {"schema": 1, "places": {"roof": {"kind": "lidar", "range_m": float(number)}}}
    assert "finite" in _refusal(value).wanted


def test_the_number_of_further_problems_is_told() -> None:
    assert _refusal({"schema": 2, "spare": {"kind": "camera", "width_px": 1}}).got.endswith("(and 1 more)")


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(_refusal({"schema": "x" * 500}).got) <= 80


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
        max_leaves=8,
    )
)
def test_whatever_stands_there_the_answer_is_bad_input(value: object) -> None:
    for place in (
        {"schema": 1, "sensors": value},
        {"schema": 1, "spare": value},
        {"schema": 1, "places": value},
        value,
    ):
        with suppress(BadInput):
            parse(Rig, place, "rig.yaml")


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("a: 1\nb: [", "f.yaml:2", "expected the node content"),
        ("a: 1\nb: 2\na: 3", "f.yaml:3", "the key 'a' for the second time"),
        ("a: &x [*x]", "f.yaml", "an anchor that refers to itself"),
        ("a: 2001-99-99", "f.yaml", "month must be in 1..12"),
        ("a: !!python/object:os.system 1", "f.yaml:1", "could not determine a constructor"),
        ("[" * 5000, "f.yaml", "nested without end"),
        ("\x01", "f.yaml", "not YAML"),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(tmp_path: Path, text: str, where: str, got: str) -> None:
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(BadInput) as refusal:
        read_yaml(tmp_path / "f.yaml")
    assert refusal.value.where.endswith(where)
    assert got in refusal.value.got


def test_yaml_anchors_and_merges_are_welcome(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\ne: *x")
    assert read_yaml(tmp_path / "f.yaml") == {
        "a": {"b": 1, "c": 2},
        "d": {"b": 1, "c": 3},
        "e": {"b": 1, "c": 2},
    }


@settings(max_examples=300)
@given(st.text(alphabet=" \n\t-:[]{}&*!|>'\"%@`#?,ab1.", max_size=40))
def test_any_text_is_yaml_or_bad_input(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, newline="")
    with suppress(BadInput):
        read_yaml(path)


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1,}', "[" * 200_000, '{"schema": NaN}', "nul"])
def test_what_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(BadInput):
        read_json(Rig, tmp_path / "f.json")


def test_a_missing_file_a_folder_and_bytes_that_are_no_text_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name, got in (
        ("missing", "no such file"),
        (".", "a folder"),
        ("bytes", "not text"),
        ("bytes/x", "no such file"),
    ):
        with pytest.raises(BadInput, match=got):
            read_yaml(tmp_path / name)
