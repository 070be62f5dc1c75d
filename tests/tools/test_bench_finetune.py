"""Fine-tuning is held against ultralytics itself, pair by pair; what it cannot be held against is said."""

from __future__ import annotations

import sys

import pytest

from trunnion.bench.finetune import Trained, main, rows_of


def trained(seconds: float, map50: float) -> Trained:
    return Trained(seconds=seconds, core_seconds=2 * seconds, map50=map50, map50_95=map50 / 2)


def test_time_is_a_ratio_of_each_seed_and_accuracy_stands_beside():
    ours = [trained(10, 0.5), trained(30, 0.7), trained(12, 0.6)]
    direct = [trained(20, 0.4), trained(20, 0.6), trained(20, 0.5)]
    rows = {row.name: row.value for row in rows_of({"ours": ours, "direct": direct}, "")}
    assert (rows["finetune.wall_ratio"], rows["finetune.core_ratio"]) == (0.6, 0.6)
    assert (rows["finetune.ours.map50"], rows["finetune.direct.map50"]) == (0.6, 0.5)


@pytest.mark.parametrize("usecase", ["reach_sac", "raccoon_ssdlite"])
def test_what_ultralytics_cannot_train_is_bad_input(repository, tmp_path, monkeypatch, capsys, usecase):
    file = repository / "training" / "usecases" / f"{usecase}.yaml"
    monkeypatch.setattr(sys, "argv", ["finetune", str(file), str(tmp_path), "--set", f"raccoon={tmp_path}"])
    assert main() == 2
    assert "no detector of ultralytics that learns" in capsys.readouterr().err
