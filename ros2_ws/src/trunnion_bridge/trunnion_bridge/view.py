"""The cell as its leader sees it, whichever bridge shows it."""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.database import Database
from trunnion_bridge.dispatcher import Dispatcher
from trunnion_bridge.doorbell import Doorbell
from trunnion_bridge.duties import Duties
from trunnion_bridge.gateway import Gateway
from trunnion_bridge.leadership import Leadership
from trunnion_bridge.models import Replica
from trunnion_bridge.problem import Refused
from trunnion_bridge.seen import CHANNEL, NOTHING, Hearsay, Seen, packed

_SHARE_PERIOD_S = 0.2
_log = logging.getLogger("trunnion.bridge")


class View:
    """With its own eyes where this bridge has the robot, by hearsay where another has."""

    def __init__(
        self,
        database: Database,
        leadership: Leadership,
        duties: Duties,
        gateway: Gateway,
        dispatcher: Dispatcher,
    ) -> None:
        self._database = database
        self._leadership = leadership
        self._duties = duties
        self._gateway = gateway
        self._dispatcher = dispatcher
        self._shared_s = 0.0
        self.hearsay = Hearsay()

    @property
    def changed(self) -> Doorbell:
        """Rings when there is something new to see."""
        return self._gateway.changed if self._duties.sees else self.hearsay.changed

    def seen(self) -> Seen:
        """The cell now."""
        if not self._duties.sees:
            heard = self.hearsay.latest()
            return heard.seen if heard else NOTHING
        return Seen(
            arm=self._gateway.arm(),
            camera=self._gateway.camera(),
            detections=self._gateway.detections(),
            nodes=self._gateway.nodes(),
            models=self._gateway.models(),
            battery=self._gateway.battery(),
            sorter_here=self._gateway.sorter_here,
            order=self._dispatcher.current,
        )

    def replica(self) -> Replica:
        """This bridge among the others."""
        role, heard = self._leadership.role, self.hearsay.latest()
        age_ms = 0 if self._duties.sees else heard.age_ms if heard else None
        return Replica(name=self._leadership.name, leads=role.leads, leader=role.leader, age_ms=age_ms)

    async def share(self) -> None:
        """Tell the other bridges, a few times a second at most; where there are none, or not as a leader, nothing."""
        now_s = time.monotonic()
        has_listeners = self._leadership.role.leads and self._leadership.others
        if not has_listeners or now_s - self._shared_s < _SHARE_PERIOD_S:
            return
        self._shared_s = now_s
        try:
            await asyncio.to_thread(self._tell)
        except SQLAlchemyError as error:
            _log.warning("other bridges cannot be told what is seen: %s", type(error).__name__)

    def check_camera(self) -> None:
        """Raises Refused where the camera's images go to another bridge."""
        if self._duties.sees:
            return
        leader = self._leadership.role.leader
        at = f" at {leader.url}" if leader and leader.url else ""
        raise Refused(
            "camera-elsewhere",
            where="the camera",
            got="a bridge that does not talk to the robot",
            wanted=f"the one that leads: {leader.name}{at}"
            if leader
            else "one that leads; none is known now",
            next_step="ask that bridge, or this one again when it leads; /v1/state names the leader",
            headers={"Retry-After": "2"},
        )

    def _tell(self) -> None:
        with self._database.reading() as session:
            session.execute(text("SET LOCAL synchronous_commit = off"))  # it is old news after a crash
            self._database.notify(session, CHANNEL, packed(self.seen()))
            session.commit()
