"""What `/v1/events` may tell whom: the one table of its topics. What is not in it is not told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from trunnion_bridge.access.access import check_area, check_role
from trunnion_bridge.access.roles import Caller, Role
from trunnion_bridge.problem import Refused

PATH = "/v1/events"


class Topic(NamedTuple):
    """What hearing it wants: a role, and of a key that is for some areas, that one."""

    role: Role
    area: str


TOPICS: Mapping[str, Topic] = {
    "state": Topic(Role.VIEWER, "events"),
    "order": Topic(Role.VIEWER, "events"),
    "audit": Topic(Role.ADMIN, "audit"),
}
# For who does not choose; a client that knows no others must not be told of them.
USUAL = frozenset({"state", "order"})


def topics_of(chosen: str | None) -> frozenset[str]:
    """The topics in `state,order`.

    Raises:
        Refused: `unknown-topic`.
    """
    if chosen is None:
        return USUAL
    names = frozenset(chosen.split(","))
    if strange := sorted(names - set(TOPICS)):
        raise Refused(
            "unknown-topic",
            where="query.topics",
            got=ascii(strange[0]),
            wanted=f"some of {', '.join(TOPICS)}, with commas between them",
            next_step="choose from those, or leave the topics out",
        )
    return names


def check_topics(caller: Caller, topics: frozenset[str]) -> None:
    """Raises Refused, `role-too-low` or `other-area`, when the caller may not hear one of them."""
    for name in sorted(topics):
        what = f"the topic {name} of {PATH}"
        check_role(caller, TOPICS[name].role, what)
        check_area(caller, TOPICS[name].area, what)
