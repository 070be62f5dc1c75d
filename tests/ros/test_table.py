"""The table of nodes: what is in it, and that the launch file starts exactly that."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from trunnion_bringup.table import (
    NAMESPACE,
    CellSettings,
    NodeEntry,
    cell_nodes,
    executable_path,
    parameters_path,
    ros_arguments,
)

SETTINGS = CellSettings(bundle="/b/cell 1.trunnion", data_dir="/d", seed=7, port=8123)


def rows(**changes: Any) -> dict[str, NodeEntry]:
    return {entry.name: entry for entry in cell_nodes(dataclasses.replace(SETTINGS, **changes))}


def test_the_cell_is_five_nodes_that_need_only_each_other() -> None:
    table = rows()
    assert list(table) == ["simulated_robot", "detector", "policy", "sorter", "bridge"]
    assert all(needed in table for entry in table.values() for needed in entry.needs)
    assert [name for name, entry in table.items() if entry.lifecycle] == ["detector", "policy"]


def test_a_real_robot_brings_its_own_driver() -> None:
    table = rows(robot="real")
    assert "simulated_robot" not in table
    assert table["sorter"].parameters["watched_nodes"] == ["detector", "policy"]
    assert table["detector"].needs == ()


def test_a_robot_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'toy', wanted one of simulated, real"):
        rows(robot="toy")


def test_the_bridge_is_told_of_an_issuer_where_there_is_one() -> None:
    assert "--oidc-issuer" not in rows()["bridge"].arguments
    words = rows(oidc_issuer="https://id.example", oidc_audience="cell")["bridge"].arguments
    assert words[-4:] == ("--oidc-issuer", "https://id.example", "--oidc-audience", "cell")


def test_where_somebody_else_manages_lifecycles_detector_and_policy_do_not_start_themselves() -> None:
    for autostart in (True, False):
        managed = [entry for entry in rows(autostart=autostart).values() if entry.lifecycle]
        assert [entry.parameters["autostart"] for entry in managed] == [autostart] * 2


def test_every_row_has_an_executable_that_is_built(ros_process_environment: dict[str, str]) -> None:
    prefixes = ros_process_environment["AMENT_PREFIX_PATH"].split(os.pathsep)
    for entry in rows().values():
        assert os.access(executable_path(entry, prefixes), os.X_OK), entry.name


def test_a_missing_executable_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}/lib/trunnion_cell/sorter_node.*run make setup"):
        executable_path(rows()["sorter"], [str(tmp_path)])


def test_values_on_the_command_line_are_yaml_of_their_own_type() -> None:
    words = ros_arguments(rows()["sorter"], Path("/p.yaml"))
    values = dict(words[i + 1].split(":=", 1) for i, word in enumerate(words) if word == "-p")
    assert yaml.safe_load(values["bundle"]) == "/b/cell 1.trunnion"
    assert yaml.safe_load(values["watched_nodes"]) == ["simulated_robot", "detector", "policy"]


def test_the_parameters_file_names_nodes_of_the_table_only(repository: Path) -> None:
    file = repository / "ros2_ws/src/trunnion_bringup/config/cell.yaml"
    assert set(yaml.safe_load(file.read_text())) <= {f"{NAMESPACE}/{name}" for name in rows()}


@pytest.fixture
def launched(
    repository: Path, ros_process_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[dict[str, Any]]]:
    """What the launch file hands to launch_ros; where the wheels stand in for ROS there is no `launch`, so that its
    few names are recorders here."""

    class Recorder(types.SimpleNamespace):
        def __init__(self, *positional: Any, **named: Any) -> None:
            super().__init__(positional=positional, **named)

    class Configuration(Recorder):
        def perform(self, context: dict[str, str]) -> str:
            return context[self.positional[0]]

    for module, names in {
        "launch": {"LaunchDescription": Recorder, "LaunchContext": dict},
        "launch.actions": dict.fromkeys(
            ("DeclareLaunchArgument", "OpaqueFunction", "SetEnvironmentVariable"), Recorder
        ),
        "launch.substitutions": {"LaunchConfiguration": Configuration},
        "launch_ros": {},
        "launch_ros.actions": {"Node": Recorder},
    }.items():
        stand_in = types.ModuleType(module)
        stand_in.__dict__.update(names)
        monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.setenv("AMENT_PREFIX_PATH", ros_process_environment["AMENT_PREFIX_PATH"])

    def launch(**arguments: str) -> list[dict[str, Any]]:
        file = repository / "ros2_ws/src/trunnion_bringup/launch/cell.launch.py"
        spec = importlib.util.spec_from_file_location("cell_launch", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        (actions,) = module.generate_launch_description().positional
        declared = {
            a.positional[0]: getattr(a, "default_value", None) for a in actions if len(a.positional) == 1
        }
        return [vars(node) for node in actions[-1].function({**declared, **arguments})]

    return launch


@pytest.mark.parametrize(
    ("robot", "issuer", "autostart"), [("simulated", "", "true"), ("real", "https://id.example", "false")]
)
def test_the_launch_file_starts_the_rows_of_the_table(
    launched: Callable[..., list[dict[str, Any]]],
    ros_process_environment: dict[str, str],
    robot: str,
    issuer: str,
    autostart: str,
) -> None:
    nodes = launched(
        bundle=SETTINGS.bundle,
        data_dir="/d",
        seed="7",
        port="8123",
        robot=robot,
        oidc_issuer=issuer,
        autostart=autostart,
    )
    defaults = parameters_path(ros_process_environment["AMENT_PREFIX_PATH"].split(os.pathsep))
    table = rows(robot=robot, oidc_issuer=issuer, autostart=autostart == "true")
    assert [node["name"] for node in nodes] == list(table)
    for node in nodes:
        entry = table[node["name"]]
        assert (node["package"], node["executable"]) == (entry.package, entry.executable)
        assert node["parameters"] == [str(defaults), dict(entry.parameters)]
        assert node["remappings"] == list(entry.remappings)
        assert node["arguments"] == list(entry.arguments)
        assert node["namespace"] == NAMESPACE
