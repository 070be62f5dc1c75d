"""The connection to the broker: messages in, states out, the last will, and again when it was lost."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timezone
from typing import Any

import aiomqtt
from sqlalchemy.exc import SQLAlchemyError

from trunnion_bridge.models import Order
from trunnion_bridge.outward.bell import Bell
from trunnion_bridge.outward.vda5050.condition import Condition
from trunnion_bridge.outward.vda5050.fault import Rejected
from trunnion_bridge.outward.vda5050.limits import PAYLOAD_MAX, STATE_EVERY_S, STATE_PAUSE_S
from trunnion_bridge.outward.vda5050.mqtt import Mqtt
from trunnion_bridge.outward.vda5050.vehicle import Vehicle

_QUEUED_MAX = 64  # messages that wait to be read; more are left out
_KEEPALIVE_S = 15
_AGAIN_MIN_S, _AGAIN_MAX_S = 0.5, 15.0
_log = logging.getLogger("trunnion.bridge")


class Link:
    """A duty of the bridge that leads: one robot is connected once.

    Args:
        condition: how the cell itself is, for the state.
        factsheet: what it can do, sent when somebody asks for it.
        on_rejected: a message was not taken.
    """

    def __init__(
        self,
        mqtt: Mqtt,
        vehicle: Vehicle,
        condition: Callable[[], Condition],
        factsheet: dict[str, Any],
        on_rejected: Callable[[Rejected], Awaitable[object]] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._mqtt = mqtt
        self._vehicle = vehicle
        self._condition = condition
        self._factsheet = factsheet
        self._on_rejected = on_rejected
        self._rng = rng or random.Random()
        self._bell = Bell()
        self._sent: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False

    async def start(self) -> None:
        """Connect, and stay connected."""
        self._task = asyncio.create_task(self._run(), name="mqtt")

    async def leave(self) -> None:
        """Say goodbye and disconnect."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def hear(self, order: Order) -> None:
        """Take in a change of an order, whoever has written it."""
        if self._vehicle.hear(order):
            self._bell.ring()

    async def _run(self) -> None:
        again_s = _AGAIN_MIN_S
        while True:
            try:
                await self._vehicle.open()
                async with _connected(self._client()) as client:
                    again_s = _AGAIN_MIN_S
                    await self._serve(client)
            except (aiomqtt.MqttError, SQLAlchemyError) as error:
                _log.warning("no VDA5050 for now: %s; trying again", error or type(error).__name__)
            except Exception:
                _log.exception("VDA5050 broke; trying again")
            finally:
                self.is_connected = False
            await asyncio.sleep(again_s * self._rng.uniform(0.5, 1.0))
            again_s = min(2 * again_s, _AGAIN_MAX_S)

    async def _serve(self, client: aiomqtt.Client) -> None:
        await client.subscribe([(self._mqtt.topic(name), 1) for name in ("order", "instantActions")])
        await self._connection(client, "ONLINE")
        self.is_connected = True
        _log.info("VDA5050 %s at %s:%d", self._mqtt.dialect.version, self._mqtt.host, self._mqtt.port)
        telling = asyncio.create_task(self._tell(client), name="mqtt states")
        try:
            async for message in client.messages:
                await self._take(message)
                if self._vehicle.takes_factsheet_request():
                    await self._publish(client, "factsheet", self._factsheet, qos=0, retain=True)
                self._bell.ring()
        except asyncio.CancelledError:
            with suppress(aiomqtt.MqttError):
                await self._connection(client, "OFFLINE")
            raise
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _take(self, message: aiomqtt.Message) -> None:
        payload = message.payload if isinstance(message.payload, bytes) else b""
        payload = payload if len(payload) <= PAYLOAD_MAX else b""  # not JSON, and so it is told
        is_order = message.topic.matches(self._mqtt.topic("order"))
        try:
            if is_order:
                await self._vehicle.take_order(payload)
            else:
                await self._vehicle.take_instant_actions(payload)
        except Rejected as rejected:
            _log.info("VDA5050: a message was not taken: %s", ascii(str(rejected)))
            if self._on_rejected:
                await self._on_rejected(rejected)
        except SQLAlchemyError:
            _log.exception("VDA5050: a message could not be taken; it is to be sent again")
        except Exception:  # one message that breaks something must not stop those after it
            _log.exception("VDA5050: a message broke the bridge")

    async def _tell(self, client: aiomqtt.Client) -> None:
        """The state after each change, and every now and then."""
        while True:
            with suppress(aiomqtt.MqttError):  # who reads messages hears of a lost connection
                await self._publish(client, "state", self._vehicle.state(self._condition()), qos=0)
            await asyncio.sleep(STATE_PAUSE_S)
            await self._bell.wait(STATE_EVERY_S)

    async def _connection(self, client: aiomqtt.Client, state: str) -> None:
        await self._publish(client, "connection", {"connectionState": state}, qos=1, retain=True)

    async def _publish(
        self, client: aiomqtt.Client, name: str, body: dict[str, Any], qos: int, retain: bool = False
    ) -> None:
        await client.publish(self._mqtt.topic(name), self._message(name, body), qos=qos, retain=retain)

    def _message(self, name: str, body: dict[str, Any]) -> str:
        number = self._sent.get(name, 0)
        self._sent[name] = (number + 1) % 2**32
        at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        header = {
            "headerId": number,
            "timestamp": at.replace("+00:00", "Z"),
            "version": self._mqtt.dialect.version,
            "manufacturer": self._mqtt.manufacturer,
            "serialNumber": self._mqtt.serial_number,
        }
        return json.dumps({**header, **body}, separators=(",", ":"))

    def _client(self) -> aiomqtt.Client:
        will = self._message("connection", {"connectionState": self._mqtt.dialect.broken})
        return aiomqtt.Client(
            self._mqtt.host,
            self._mqtt.port,
            username=self._mqtt.username,
            password=self._mqtt.password,
            # The same at every bridge: one that takes the lead takes the connection from one that hangs.
            identifier=f"trunnion-{self._mqtt.manufacturer}-{self._mqtt.serial_number}",
            will=aiomqtt.Will(self._mqtt.topic("connection"), will, qos=1, retain=True),
            tls_context=self._mqtt.tls(),
            keepalive=_KEEPALIVE_S,
            max_queued_incoming_messages=_QUEUED_MAX,
            timeout=5.0,
            logger=logging.getLogger("trunnion.bridge.mqtt"),
        )


@asynccontextmanager
async def _connected(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Client]:
    """A connection whose beginning is waited for even by who leaves: aiomqtt, cut off there, leaves its socket open."""
    entering = asyncio.create_task(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        with suppress(aiomqtt.MqttError):
            await entering
            await client.__aexit__(None, None, None)
        raise
    try:
        yield client
    finally:
        await client.__aexit__(None, None, None)
