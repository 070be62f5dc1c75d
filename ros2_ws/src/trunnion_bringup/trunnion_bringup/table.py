"""The one table of nodes: `trunnion up` and the launch file both start the cell from it. Plain data, no ROS."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

NAMESPACE = "/cell"
PARAMETERS_FILE = "cell.yaml"
ROBOTS = ("simulated", "real")

Value = bool | int | float | str | list[str]


@dataclass(frozen=True)
class CellSettings:
    """What differs from one start of the cell to the next.

    `oidc_issuer` and `oidc_audience` say whose tokens the bridge takes; without them it takes loopback only.
    Without `autostart` detector and policy stay unconfigured until somebody manages their lifecycle.
    """

    bundle: str
    data_dir: str
    robot: str = "simulated"
    seed: int = 0
    host: str = "127.0.0.1"
    port: int = 8080
    oidc_issuer: str = ""
    oidc_audience: str = ""
    autostart: bool = True

    def __post_init__(self) -> None:
        if self.robot not in ROBOTS:
            raise ValueError(f"robot is '{self.robot}', wanted one of {', '.join(ROBOTS)}")


@dataclass(frozen=True)
class NodeEntry:
    """One row: one process with one node.

    `parameters` are those of this start, on top of config/cell.yaml; `needs` names the rows whose topics it reads;
    `lifecycle` rows configure and activate themselves where their parameter `autostart` says so.
    """

    name: str
    package: str
    executable: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    remappings: tuple[tuple[str, str], ...] = ()
    lifecycle: bool = False
    needs: tuple[str, ...] = ()


def cell_nodes(settings: CellSettings) -> tuple[NodeEntry, ...]:
    """The rows of the sorting cell, in the order in which they are started. A real robot brings its own driver."""
    robot = (_simulated_robot(settings),) if settings.robot == "simulated" else ()
    robot_names = tuple(entry.name for entry in robot)
    before_bridge = (*robot, *_inference(settings, robot_names), _sorter(settings, robot_names))
    return (*before_bridge, _bridge(settings, tuple(entry.name for entry in before_bridge)))


def proving_nodes(settings: CellSettings, speed: float) -> tuple[NodeEntry, ...]:
    """The rows that play the episodes of a proof in simulated time, `speed` times as fast as real time; no bridge."""
    robot, *others = cell_nodes(settings)[:-1]
    proving = replace(
        robot, executable="proving_robot_node", parameters={**robot.parameters, "speed": float(speed)}
    )
    simulated = (replace(row, parameters={**row.parameters, "use_sim_time": True}) for row in others)
    return (proving, *simulated)


def _simulated_robot(settings: CellSettings) -> NodeEntry:
    return NodeEntry(
        name="simulated_robot",
        package="trunnion_cell",
        executable="simulated_robot_node",
        parameters={"bundle": settings.bundle, "seed": settings.seed},
    )


def _inference(settings: CellSettings, robot: tuple[str, ...]) -> tuple[NodeEntry, ...]:
    parameters: dict[str, Value] = {"bundle": settings.bundle, "autostart": settings.autostart}
    return tuple(
        NodeEntry(
            name=name,
            package="trunnion_inference",
            executable=f"{name}_node",
            parameters=parameters,
            remappings=remappings,
            lifecycle=True,
            needs=robot,
        )
        for name, remappings in (("detector", (("image_raw", "camera/image_raw"),)), ("policy", ()))
    )


def _sorter(settings: CellSettings, robot: tuple[str, ...]) -> NodeEntry:
    needs = (*robot, "detector", "policy")
    parameters: dict[str, Value] = {"bundle": settings.bundle, "watched_nodes": list(needs)}
    return NodeEntry(
        name="sorter", package="trunnion_cell", executable="sorter_node", parameters=parameters, needs=needs
    )


def _bridge(settings: CellSettings, nodes: tuple[str, ...]) -> NodeEntry:
    arguments = {
        "--bundle": settings.bundle,
        "--data-dir": settings.data_dir,
        "--host": settings.host,
        "--port": str(settings.port),
        "--nodes": ",".join(nodes),
    }
    if settings.oidc_issuer or settings.oidc_audience:
        arguments |= {"--oidc-issuer": settings.oidc_issuer, "--oidc-audience": settings.oidc_audience}
    return NodeEntry(
        name="bridge",
        package="trunnion_bridge",
        executable="bridge",
        arguments=tuple(word for pair in arguments.items() for word in pair),
        needs=("sorter",),
    )


def ros_arguments(entry: NodeEntry, parameters_file: Path) -> list[str]:
    """What follows `--ros-args` on the entry's command line. Values are written as JSON, which is YAML too."""
    remappings = [("__node", entry.name), ("__ns", NAMESPACE), *entry.remappings]
    remapped = [word for source, target in remappings for word in ("-r", f"{source}:={target}")]
    values = [
        word for name, value in entry.parameters.items() for word in ("-p", f"{name}:={json.dumps(value)}")
    ]
    return [*remapped, "--params-file", str(parameters_file), *values]


def executable_path(entry: NodeEntry, prefixes: Sequence[str]) -> Path:
    """Where the entry's executable is installed; `prefixes` are those of AMENT_PREFIX_PATH.

    Raises:
        FileNotFoundError: the package is not built, or its executable has another name.
    """
    return _first([Path(prefix) / "lib" / entry.package / entry.executable for prefix in prefixes])


def parameters_path(prefixes: Sequence[str]) -> Path:
    """Where config/cell.yaml is installed.

    Raises:
        FileNotFoundError: trunnion_bringup is not built.
    """
    return _first(
        [Path(prefix) / "share" / "trunnion_bringup" / "config" / PARAMETERS_FILE for prefix in prefixes]
    )


def ament_prefixes(environment: Mapping[str, str]) -> list[str]:
    """The folders in which built packages are looked for, first match first."""
    return [prefix for prefix in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]


def _first(candidates: Sequence[Path]) -> Path:
    for path in candidates:
        if path.exists():
            return path
    raise FileNotFoundError(f"none of {', '.join(map(str, candidates)) or 'no prefixes'}: run make setup")
