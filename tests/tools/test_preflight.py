"""What a later stage would not find is named before the first stage has worked."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunnion.preflight import check
from trunnion_contract.errors import BadInput
from trunnion_contract.usecase import UseCase

PROVENANCE = {"origin": "made by the tests", "licence": "Apache-2.0", "personal_data": "none"}


def usecase(folder: Path, **detector: object) -> UseCase:
    return UseCase.model_validate(
        {
            "schema": 1,
            "name": "shapes",
            "version": "0.1.0",
            "problem": "Find shapes.",
            "classes": ["disc"],
            "data": {
                "sources": [{"kind": "yolo", "path": str(folder), "provenance": PROVENANCE}],
                "split": {"train": 0.5, "val": 0.25, "test": 0.25},
            },
            "models": {"detector": {"epochs": 1, **detector}},
        }
    )


@pytest.mark.parametrize("base", ["yolo26n.yaml", "torchvision:ssdlite320_mobilenet_v3_large"])
def test_an_architecture_is_no_file(tmp_path: Path, base: str) -> None:
    check(usecase(tmp_path, base=base), "shapes.yaml")


def test_files_that_are_there_are_found(tmp_path: Path) -> None:
    for name in ("base.pt", "weights.pth"):
        (tmp_path / name).touch()
    check(usecase(tmp_path, base=str(tmp_path / "base.pt")), "shapes.yaml")
    weights = str(tmp_path / "weights.pth")
    check(usecase(tmp_path, base="torchvision:retinanet_resnet50_fpn", weights=weights), "shapes.yaml")


@pytest.mark.parametrize(
    ("detector", "key"),
    [
        ({"base": "absent.pt"}, "base"),
        ({"base": "torchvision:retinanet_resnet50_fpn", "weights": "absent.pt"}, "weights"),
    ],
)
def test_a_file_that_is_missing_is_named(tmp_path: Path, detector: dict[str, object], key: str) -> None:
    with pytest.raises(
        BadInput, match=rf"shapes\.yaml: models\.detector\.{key}: got absent\.pt, which does not"
    ):
        check(usecase(tmp_path, **detector), "shapes.yaml")
