"""The parts of the bridge, joined: what a route may use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timezone
from functools import partial
from typing import Annotated, Protocol

from fastapi import Depends
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import HTTPConnection

from trunnion_bridge.access.access import Access
from trunnion_bridge.access.audit import AuditLog
from trunnion_bridge.access.audit_feed import AuditFeed
from trunnion_bridge.access.clerk import Clerk
from trunnion_bridge.access.key_ring import KeyRing
from trunnion_bridge.access.key_store import KeyStore
from trunnion_bridge.camera import CameraFeed
from trunnion_bridge.catalogue import Catalogue
from trunnion_bridge.database import Database
from trunnion_bridge.desk import Desk
from trunnion_bridge.dispatcher import Dispatcher
from trunnion_bridge.duties import Duties, Duty
from trunnion_bridge.election import leadership_of
from trunnion_bridge.execution import Patience
from trunnion_bridge.feed import Feed
from trunnion_bridge.gateway import Gateway
from trunnion_bridge.health import health_of
from trunnion_bridge.inference.inference import Inference, bundle_detectors
from trunnion_bridge.installed import ModelList, Shelf
from trunnion_bridge.leadership import Deposed
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.metrics import Metrics, Readings
from trunnion_bridge.missions import Missions
from trunnion_bridge.models import Health, Order, State
from trunnion_bridge.notices import Notices
from trunnion_bridge.outward.vda5050.link import Link
from trunnion_bridge.outward.vda5050.station import Station
from trunnion_bridge.outward.webhooks import Webhooks
from trunnion_bridge.relay import Relay
from trunnion_bridge.robots import name_of
from trunnion_bridge.seen import CHANNEL as SEEN
from trunnion_bridge.settings import Settings
from trunnion_bridge.snapshots.album import Album
from trunnion_bridge.store import CHANNEL as ORDERS
from trunnion_bridge.store import Store
from trunnion_bridge.trouble import PASSING
from trunnion_bridge.view import View

_STATE_PERIOD_S = 0.1
_STATE_AT_LEAST_EVERY_S = 0.5


class Part(Protocol):
    """What runs beside the bridge's loop."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""


class Bridge:
    """Everything between the web and the robot."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.metrics = Metrics()
        self.database = Database(settings.database_url)
        self.keys = KeyStore(self.database)
        self.audit = AuditLog(self.database)
        self.clerk = Clerk(self.audit)
        self.access = Access(settings.oidc, KeyRing(self.keys))
        self.leadership = leadership_of(self.database, settings.advertise_url)
        self.store = Store(self.database, fence=self.leadership.fence)
        self.feed = Feed()
        self.audit_feed = AuditFeed(self.audit, self.feed)
        self.relay = Relay(self.store, self.feed, self._hear)
        self.ledger = Ledger(self.store, self.relay.ring, self.metrics.order_ended)
        self.desk = Desk(catalogue, self.ledger, settings.queued_max)
        self.webhooks = Webhooks(settings, self.database)
        self.album = Album(
            settings.data_dir / "snapshots", settings.snapshots_max, settings.snapshots_max_bytes
        )
        self.missions = Missions(self.database, name_of(settings.namespace))
        self._shelf = Shelf(settings.bundle, catalogue.digest)
        self._reading_shelf = asyncio.Lock()
        self.inference = Inference(
            catalogue,
            partial(bundle_detectors, settings.bundle, catalogue.digest),
            settings.inferences_max,
            settings.image_pixels_max,
        )
        self.gateway = Gateway(
            settings, catalogue.parts, self.metrics.detection_age_s.observe, self.leadership.may_command
        )
        patience = Patience(settings.robot_wait_s, settings.sorter_silence_max_s)
        self.dispatcher = Dispatcher(self.ledger, self.gateway, patience)
        self.link = self._link()
        outward: list[Duty] = [self.webhooks.sender, *([self.link] if self.link else [])]
        self.duties = Duties(self.leadership, self.gateway, [self.dispatcher, *outward])
        self.view = View(self.database, self.leadership, self.duties, self.gateway, self.dispatcher)
        self.camera = CameraFeed(self.gateway, settings.watchers_max, self.view.check_camera)
        self.opcua: Part | None = None
        self._queued = 0
        self.metrics.registry.register(self._readings())
        self.metrics.registry.register(self.webhooks.readings)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve, and talk to the robot while this bridge leads, for as long as the block lasts."""
        notices = Notices(self.database, {ORDERS: self.relay.ring, SEEN: self.view.hearsay.hear})
        with self.database, notices:
            await self.relay.start()
            await asyncio.to_thread(self.leadership.start)
            await self.duties.start()
            self.audit_feed.start()
            telling = asyncio.create_task(self._tell_states(), name="states")
            try:
                yield
            finally:
                telling.cancel()
                await self.audit_feed.stop()
                await self._stop()
                await self.inference.stop()
                await self.relay.stop()
                await self.access.keys.settle()

    async def drain(self) -> None:
        """Return when the sorter has no order any more of which no other bridge could see the end."""
        if not self.leadership.others:
            await self.dispatcher.drain()

    async def _stop(self) -> None:
        """An order that runs is left to the next leader; where there is none, the sorter is asked to leave it."""
        await self.duties.stop()
        if self.leadership.role.leads and not self.leadership.others:
            with suppress(SQLAlchemyError, Deposed):  # then the next bridge finds out how the order ended
                await self.dispatcher.stop()
        await self.duties.leave()
        await asyncio.to_thread(self.leadership.stop)
        await self.duties.close()

    def _hear(self, order: Order) -> None:
        if self.leadership.role.leads:
            self.dispatcher.hear(order)
            self.webhooks.sender.wake()
            if self.link:
                self.link.hear(order)

    def _link(self) -> Link | None:
        settings = self.settings
        if settings.mqtt is None:
            return None
        parts = self.catalogue, self.database, self.desk, self.clerk
        return Station(settings.mqtt, *parts, lambda: self.view.seen()).link

    def state(self) -> State:
        """The cell now, as its leader sees it. Reads the store: keep it off the event loop."""
        seen = self.view.seen()
        return State(
            at=datetime.now(timezone.utc),
            **dict(seen),
            queued=self._count_queued(),
            bundle=self.catalogue.info(),
            bridge=self.view.replica(),
        )

    async def models(self) -> ModelList:
        """The models that are installed, and those that run."""
        active = self.view.seen().models
        async with self._reading_shelf:
            installed, unusable = await asyncio.to_thread(self._shelf.look, active)
        state = self.inference.state()
        return ModelList(installed=installed, unusable=unusable, active=active, inference=state)

    def _count_queued(self) -> int:
        """As last known while the database is away: the robot is shown all the same."""
        with suppress(*PASSING):
            self._queued = self.store.counts()["queued"]
        return self._queued

    def health(self) -> Health:
        """Whether the bridge works, and whether the robot does."""
        works = self.leadership.alive and self.relay.alive and self.duties.alive
        live = works and (not self.duties.sees or self.gateway.alive)
        opcua = self.opcua.alive if self.opcua else None
        return health_of(
            live, self.relay.well, opcua, self.dispatcher.draining, self.view.replica(), self.view.seen()
        )

    async def _tell_states(self) -> None:
        """The arm and what the camera sees, to all who listen, at most ten times a second."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s = next_due_s(due_s, loop.time())
            await self.view.share()
            if len(self.feed):
                state = await asyncio.to_thread(self.state)
                news = state.model_dump(mode="json", exclude={"at", "bundle"})
                self.feed.publish("state", news, is_state=True)
            # What changes meanwhile is told at the end of the period, and no later.
            changed = self.view.changed.wait(_STATE_AT_LEAST_EVERY_S)
            await asyncio.gather(changed, asyncio.sleep(due_s - loop.time()))

    def _readings(self) -> Readings:
        gateway, feed, camera, leadership = self.gateway, self.feed, self.camera, self.leadership
        return Readings(
            orders=self.store.counts,
            nodes=lambda: self.view.seen().nodes,
            gauges={
                "trunnion_leader": (
                    "1 for the bridge that talks to the robot",
                    lambda: leadership.role.leads,
                ),
                "trunnion_database_up": ("1 while the orders can be read", lambda: self.relay.well),
                "trunnion_camera_rate_hz": ("Images a second", lambda: self.view.seen().camera.rate_hz),
                "trunnion_camera_watchers": ("Who watch the camera", lambda: camera.watchers),
                "trunnion_sorter_here": (
                    "1 when the sorter takes orders",
                    lambda: self.view.seen().sorter_here,
                ),
                "trunnion_inferences": (
                    "Images sent for inference that wait or are at work",
                    lambda: float(self.inference.at_once),
                ),
                "trunnion_mqtt_connected": (
                    "1 while VDA5050 is spoken",
                    lambda: bool(self.link and self.link.is_connected),
                ),
                "trunnion_event_listeners": ("Who listen to the events", lambda: len(feed)),
            },
            counters={
                "trunnion_takeovers": ("Times that this bridge became the leader", lambda: leadership.terms),
                "trunnion_camera_frames": ("Images that reached the bridge", lambda: gateway.frames),
                "trunnion_states_replaced": ("States that slow listeners missed", lambda: feed.replaced),
            },
        )


def next_due_s(due_s: float, now_s: float) -> float:
    """When the state after the one that was due then is due.

    Each is told a little late, because the loop tells all listeners first. Counted from now that would add up, to a
    ninth less of them with 500 listeners. After a long wait two are half a period apart at least.
    """
    return max(due_s, now_s - _STATE_PERIOD_S / 2) + _STATE_PERIOD_S


async def of(connection: HTTPConnection) -> Bridge:
    """The bridge that a request or a WebSocket belongs to. No plain function: FastAPI would run it on a thread."""
    bridge: Bridge = connection.app.state.bridge
    return bridge


TheBridge = Annotated[Bridge, Depends(of)]
