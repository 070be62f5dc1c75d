"""A function that one machine of the cluster runs: the one that offers a resource of that name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunnion_contract.errors import BadInput


def check_there(resource: str, where: str) -> None:
    """Refuse a resource that no machine offers: Ray would wait for one without end.

    Raises:
        BadInput: says how to offer it.
    """
    import ray

    if not ray.cluster_resources().get(resource):
        raise BadInput(
            where=where,
            got=f"{resource}, which no machine of the cluster offers",
            wanted="a resource of the machine to measure on",
            next_step=f"start Ray there with --resources '{{\"{resource}\": 1}}', and set RAY_ADDRESS to its head; "
            "or take it out, to measure where the trial ran",
        )


def call_on(resource: str, retries: int, function: Callable[..., Any], *arguments: object) -> Any:
    """What `function(*arguments)` gives there, one call at a time; called again where the machine was lost."""
    import ray

    there = ray.remote(function).options(
        # Not among the cores that the caller holds itself.
        num_cpus=0, resources={resource: 1}, max_retries=retries, scheduling_strategy="DEFAULT",
    )  # fmt: skip
    return ray.get(there.remote(*arguments))
