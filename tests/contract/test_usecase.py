from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trunnion_contract.errors import BadInput
from trunnion_contract.strict import parse
from trunnion_contract.usecase import Export, Gates, UseCase, load_usecase

USECASES = Path(__file__).parents[2] / "training" / "usecases"
Document = dict[str, Any]
Load = Callable[..., UseCase]


@pytest.fixture(scope="module")
def sorting_cell() -> Document:
    return yaml.safe_load((USECASES / "sorting_cell.yaml").read_text())


@pytest.fixture
def load_changed(sorting_cell: Document, tmp_path: Path) -> Load:
    """Load the sorting cell's use case after a change to its document."""

    def load(change: Callable[[Document], object], values: dict[str, str] | None = None) -> UseCase:
        document = copy.deepcopy(sorting_cell)
        change(document)
        path = tmp_path / "cell.yaml"
        path.write_text(yaml.safe_dump(document))
        return load_usecase(path, values)

    return load


def _folder_source(**keys: object) -> Document:
    return {"kind": "yolo", "provenance": {"origin": "o", "licence": "MIT", "personal_data": "none"}, **keys}


def test_the_shipped_use_cases_are_sound(tmp_path: Path) -> None:
    assert load_usecase(USECASES / "sorting_cell.yaml").classes == ("gear", "bolt", "nut")
    for name in ("reach_sac", "pick_and_place_clone", "pick_and_place_finetune"):
        assert load_usecase(USECASES / f"{name}.yaml").classes == ()
    for name in ("raccoon.yaml", "raccoon_ssdlite.yaml"):
        assert load_usecase(USECASES / name, {"raccoon": str(tmp_path)}).prove.suite is None


def test_an_unknown_key_is_refused_with_did_you_mean(load_changed: Load) -> None:
    with pytest.raises(
        BadInput, match=r"cell\.yaml: modles: got an unknown key 'modles'.*did you mean 'models'"
    ):
        load_changed(lambda d: d.update(modles=d.pop("models")))


def test_an_unknown_kind_of_source_is_refused_with_did_you_mean(load_changed: Load) -> None:
    with pytest.raises(BadInput, match=r"data\.sources\.0\.kind: got 'cocoo'.*did you mean 'coco'"):
        load_changed(lambda d: d["data"]["sources"][0].update(kind="cocoo"))


def test_a_value_in_a_wrong_unit_is_refused_with_the_unit_wanted(load_changed: Load) -> None:
    with pytest.raises(
        BadInput, match=r"cell\.limits\.speed_max_mps: got '600 mm/s', wanted .*metres per second"
    ):
        load_changed(lambda d: d["cell"]["limits"].update(speed_max_mps="600 mm/s"))


def test_a_key_in_a_wrong_unit_is_refused_with_the_right_one(load_changed: Load) -> None:
    with pytest.raises(
        BadInput, match=r"vertical_field_of_view_rad.*did you mean 'vertical_field_of_view_deg'"
    ):
        load_changed(lambda d: d["cell"]["camera"].update(vertical_field_of_view_rad=0.6))


@pytest.mark.parametrize("key", ["path", "annotations"])
def test_a_missing_path_is_named(load_changed: Load, tmp_path: Path, key: str) -> None:
    source = _folder_source(**({"path": str(tmp_path)} | {key: "nowhere/at/all"}))
    with pytest.raises(BadInput, match=rf"data\.sources\.0\.{key}: got nowhere/at/all, which does not exist"):
        load_changed(lambda d: d["data"].update(sources=[source]))


def test_gates_are_raised_where_there_are_some_and_never_above_1() -> None:
    gates = Gates(detector_map50_min=0.5, policy_success_lower_min=0.99)
    assert gates.raised(0.02) == Gates(detector_map50_min=0.5, policy_success_lower_min=1.0)


def test_a_missing_recording_is_named(load_changed: Load) -> None:
    policy = {"env": "Pendulum-v1", "recording": "shown.parquet", "epochs": 1}
    with pytest.raises(
        BadInput, match=r"models\.policy\.recording: got shown\.parquet, which does not exist"
    ):
        load_changed(lambda d: d["models"].update(policy=policy))


def test_relative_paths_start_at_the_use_case(
    load_changed: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    usecase = load_changed(lambda d: d["data"].update(sources=[_folder_source(path="photos")]))
    assert usecase.beside("photos") == tmp_path / "photos"


def test_a_placeholder_without_a_value_says_how_to_give_one(load_changed: Load) -> None:
    with pytest.raises(BadInput, match=r"\$\{photos\} without a value.*--set photos=VALUE"):
        load_changed(lambda d: d["data"].update(sources=[_folder_source(path="${photos}")]))


def test_a_placeholder_takes_its_value_anywhere_in_a_text(load_changed: Load, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    usecase = load_changed(
        lambda d: d["data"].update(sources=[_folder_source(path="${top}/b")]), {"top": str(tmp_path / "a")}
    )
    assert usecase.data is not None
    assert usecase.data.sources[0].path == tmp_path / "a" / "b"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("data"), "a `data` section"),
        (lambda d: d.pop("cell"), "a `cell` section"),
        (lambda d: d["cell"]["part_heights_m"].pop("nut"), "cell.part_heights_m"),
        (lambda d: d.update(classes=["gear", "gear", "nut"]), "named once each"),
        (lambda d: d.update(classes=["Gear", "bolt", "nut"]), "lower-case"),
        (lambda d: d.update(models={}), "a detector, a policy, or both"),
        (lambda d: d.update(classes=[]), "at least one class in `classes`, because the detector"),
        (lambda d: d["data"]["split"].update(train=0.9), "add up to 1"),
        (lambda d: d["cell"]["limits"].update(workspace_low_base_m=[1, 1, 1]), "low corner"),
        (lambda d: d["models"]["detector"].update(image_size_px=321), "multiple of 32"),
        (lambda d: d["prove"]["gates"].update(policy_success_min=93), "less than or equal to 1"),
        (lambda d: d.update(version="1"), "pattern"),
        (lambda d: d.update(schema=2), "wanted 1"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(
    load_changed: Load, change: Callable[[Document], object], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        load_changed(change)


def test_the_digest_follows_the_content_and_not_the_way_it_is_written(
    load_changed: Load, sorting_cell: Document
) -> None:
    same = load_changed(lambda d: d.update(dict(reversed(list(d.items())))))
    assert same.digest() == load_usecase(USECASES / "sorting_cell.yaml").digest()
    assert same.digest() != load_changed(lambda d: d["models"]["detector"].update(epochs=3)).digest()


def test_precisions_are_fp32_alone_until_others_are_asked_for(load_changed: Load) -> None:
    assert load_changed(lambda d: None).export.precisions == ("fp32",)
    export = load_changed(lambda d: d.update(export={"precisions": ["fp32", "int8"]})).export
    assert export.precisions == ("fp32", "int8")
    assert export.map_drop_max_points == 1.0


@given(st.lists(st.sampled_from(["fp32", "fp16", "int8", "int4", 8, None]), max_size=4))
def test_any_list_of_precisions_is_sound_or_refused_by_its_key(precisions: list[object]) -> None:
    is_sound = (
        precisions[:1] == ["fp32"]
        and len(set(precisions)) == len(precisions)
        and set(precisions) <= {"fp32", "fp16", "int8"}
    )
    if is_sound:
        assert parse(Export, {"precisions": precisions}, "cell.yaml").precisions == tuple(precisions)
    else:
        with pytest.raises(BadInput, match="precisions"):
            parse(Export, {"precisions": precisions}, "cell.yaml")


def test_only_a_detector_is_made_in_other_precisions(load_changed: Load) -> None:
    def policy_alone(document: Document) -> None:
        del document["models"]["detector"], document["data"]
        document["export"] = {"precisions": ["fp32", "fp16"]}

    with pytest.raises(BadInput, match="a detector, because it alone is made in other precisions"):
        load_changed(policy_alone)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": "weights.pth"}, r"a base of torchvision:ARCHITECTURE, because `weights` are those of"),
        ({"base": "yolo26n.yaml", "epochs": 0}, r"at least one epoch, because an architecture alone"),
        ({"base": "torchvision:ssdlite320_mobilenet_v3_large", "epochs": 0}, r"at least one epoch, because"),
    ],
)
def test_a_detector_starts_from_something_that_learnt_or_learns(
    load_changed: Load, change: Document, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        load_changed(lambda d: d["models"]["detector"].update(change))


def test_suppression_inside_the_graph_takes_one_image_at_a_time(load_changed: Load) -> None:
    with pytest.raises(BadInput, match=r"suppression on the robot: inside the graph it takes one image"):
        load_changed(lambda d: d.update(export={"suppression": "graph", "batch_max": 2}))
