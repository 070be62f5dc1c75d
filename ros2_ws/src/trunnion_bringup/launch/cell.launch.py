"""Starts the sorting cell with `ros2 launch trunnion_bringup cell.launch.py bundle:=FILE`, from the table of nodes."""

import os
from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription
from trunnion_bringup.table import (
    NAMESPACE,
    ROBOTS,
    CellSettings,
    ament_prefixes,
    cell_nodes,
    parameters_path,
)

ARGUMENTS = {
    "bundle": (None, "the bundle (*.trunnion) that detector and policy run"),
    "robot": ("simulated", "simulated, or real: then the arm's own driver offers the same topics"),
    "data_dir": (os.path.join(os.path.expanduser("~"), ".trunnion"), "where the bridge keeps its orders"),
    "host": ("127.0.0.1", "the address on which the bridge listens"),
    "port": ("8080", "the port on which the bridge listens"),
    "oidc_issuer": ("", "the OpenID provider of the bridge's callers; without one, this machine alone"),
    "oidc_audience": ("", "what its tokens name in aud"),
    "autostart": (
        "true",
        "false leaves configuring and activating detector and policy to a lifecycle manager",
    ),
    "seed": ("0", "which parts the simulated tray holds"),
}

CHOICES = {"robot": list(ROBOTS), "autostart": ["true", "false"]}


def nodes(context: LaunchContext) -> list[Node]:
    """One launch action for each row of the table."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    settings = CellSettings(
        bundle=str(Path(given["bundle"]).resolve()),
        data_dir=given["data_dir"],
        robot=given["robot"],
        seed=int(given["seed"]),
        host=given["host"],
        port=int(given["port"]),
        oidc_issuer=given["oidc_issuer"],
        oidc_audience=given["oidc_audience"],
        autostart=given["autostart"] == "true",
    )
    defaults = str(parameters_path(ament_prefixes(os.environ)))
    return [
        Node(
            name=entry.name,
            namespace=NAMESPACE,
            package=entry.package,
            executable=entry.executable,
            arguments=list(entry.arguments),
            parameters=[defaults, dict(entry.parameters)],
            remappings=list(entry.remappings),
            output="screen",
        )
        for entry in cell_nodes(settings)
    ]


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` asks for."""
    profile = parameters_path(ament_prefixes(os.environ)).with_name("fastdds.xml")
    declared = [
        DeclareLaunchArgument(name, description=description, **_choices(name), **_default(default))
        for name, (default, description) in ARGUMENTS.items()
    ]
    fast_dds = SetEnvironmentVariable("FASTRTPS_DEFAULT_PROFILES_FILE", str(profile))
    return LaunchDescription([*declared, fast_dds, OpaqueFunction(function=nodes)])


def _default(value: str | None) -> dict[str, str]:
    """An argument without a default must be given."""
    return {} if value is None else {"default_value": value}


def _choices(name: str) -> dict[str, list[str]]:
    return {"choices": CHOICES[name]} if name in CHOICES else {}
