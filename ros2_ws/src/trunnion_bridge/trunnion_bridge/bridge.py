"""The parts of the bridge, joined: what a route may use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from functools import partial
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from trunnion_bridge.access.access import Access
from trunnion_bridge.access.audit import AuditLog
from trunnion_bridge.access.key_ring import KeyRing
from trunnion_bridge.access.key_store import KeyStore
from trunnion_bridge.camera import CameraFeed
from trunnion_bridge.catalogue import Catalogue
from trunnion_bridge.database import Database
from trunnion_bridge.dispatcher import Dispatcher
from trunnion_bridge.execution import Patience
from trunnion_bridge.feed import Feed
from trunnion_bridge.gateway import Gateway
from trunnion_bridge.inference.inference import Inference, bundle_detectors
from trunnion_bridge.ledger import Ledger
from trunnion_bridge.metrics import Metrics, Readings
from trunnion_bridge.models import Check, Health, State
from trunnion_bridge.settings import Settings
from trunnion_bridge.store import Store

_STATE_PERIOD_S = 0.1
_STATE_AT_LEAST_EVERY_S = 0.5


class Bridge:
    """Everything between the web and the robot."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.metrics = Metrics()
        self.database = Database(settings.database_url)
        self.keys = KeyStore(self.database)
        self.audit = AuditLog(self.database)
        self.access = Access(settings.oidc, KeyRing(self.keys))
        self.store = Store(self.database)
        self.feed = Feed()
        self.ledger = Ledger(self.store, self.feed, self.metrics.order_ended)
        self.gateway = Gateway(settings, catalogue.parts, self.metrics.detection_age_s.observe)
        self.camera = CameraFeed(self.gateway, settings.watchers_max)
        self.inference = Inference(
            catalogue,
            partial(bundle_detectors, settings.bundle, catalogue.digest),
            settings.inferences_max,
            settings.image_pixels_max,
        )
        patience = Patience(settings.robot_wait_s, settings.sorter_silence_max_s)
        self.dispatcher = Dispatcher(self.ledger, self.gateway, patience)
        self.metrics.registry.register(self._readings())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Join the robot for as long as the block lasts."""
        with self.database:
            self.gateway.start(asyncio.get_running_loop())
            telling = asyncio.create_task(self._tell_states(), name="states")
            await self.dispatcher.start()
            try:
                yield
            finally:
                await self.dispatcher.stop()
                await self.inference.stop()
                telling.cancel()
                await asyncio.to_thread(self.gateway.stop)
                await self.access.keys.settle()

    def state(self) -> State:
        """The cell now. Reads the store: keep it off the event loop."""
        return State(
            at=datetime.now(timezone.utc),
            arm=self.gateway.arm(),
            camera=self.gateway.camera(),
            detections=self.gateway.detections(),
            nodes=self.gateway.nodes(),
            sorter_here=self.gateway.sorter_here,
            order=self.dispatcher.current,
            queued=self.store.counts()["queued"],
            bundle=self.catalogue.info(),
        )

    def health(self) -> Health:
        """Whether the bridge works, and whether the robot does."""
        camera, sorter_here = self.gateway.camera(), self.gateway.sorter_here
        draining = self.dispatcher.draining
        ill = [node for node in self.gateway.nodes() if node.state not in ("ok", "warn")]
        live = self.gateway.alive and self.dispatcher.alive
        checks = [
            Check(name="bridge", ok=live, message="works" if live else "has partly stopped: restart it"),
            Check(name="sorter", ok=sorter_here, message=_says(sorter_here, "takes orders")),
            Check(
                name="camera",
                ok=camera.here,
                message=_says(camera.here, f"{camera.rate_hz:g} images a second"),
            ),
            *([Check(name="drain", ok=False, message="is about to stop, takes no further order")] * draining),
            *(Check(name=node.name, ok=False, message=node.message) for node in ill),
        ]
        return Health(live=live, ready=all(check.ok for check in checks), checks=checks)

    async def _tell_states(self) -> None:
        """The arm and what the camera sees, to all who listen, at most ten times a second."""
        while True:
            await self.gateway.changed.wait(_STATE_AT_LEAST_EVERY_S)
            if len(self.feed):
                state = await asyncio.to_thread(self.state)
                news = state.model_dump(mode="json", exclude={"at", "bundle"})
                self.feed.publish("state", news, is_state=True)
            await asyncio.sleep(_STATE_PERIOD_S)

    def _readings(self) -> Readings:
        gateway, feed, camera = self.gateway, self.feed, self.camera
        return Readings(
            orders=self.store.counts,
            nodes=gateway.nodes,
            gauges={
                "trunnion_camera_rate_hz": ("Images a second", lambda: gateway.camera().rate_hz),
                "trunnion_camera_watchers": ("Who watch the camera", lambda: camera.watchers),
                "trunnion_sorter_here": (
                    "1 when the sorter takes orders",
                    lambda: float(gateway.sorter_here),
                ),
                "trunnion_inferences": (
                    "Images sent for inference that wait or are at work",
                    lambda: float(self.inference.at_once),
                ),
                "trunnion_event_listeners": ("Who listen to the events", lambda: len(feed)),
            },
            counters={
                "trunnion_camera_frames": ("Images that reached the bridge", lambda: gateway.frames),
                "trunnion_states_replaced": ("States that slow listeners missed", lambda: feed.replaced),
            },
        )


def _says(is_here: bool, words: str) -> str:
    return words if is_here else "not there"


async def of(connection: HTTPConnection) -> Bridge:
    """The bridge that a request or a WebSocket belongs to. No plain function: FastAPI would run it on a thread."""
    bridge: Bridge = connection.app.state.bridge
    return bridge


TheBridge = Annotated[Bridge, Depends(of)]
