"""OPC UA as one thing that is started and stopped, on a thread and a loop of its own: nobody who speaks it, well or
badly, keeps the bridge's loop from its work."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress

from asyncua import Server, ua
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from prometheus_client import CollectorRegistry, Gauge

from trunnion_bridge.access.bucket import Bucket
from trunnion_bridge.access.pace import Pace
from trunnion_bridge.access.roles import Caller
from trunnion_bridge.bridge import Bridge
from trunnion_bridge.lifecycle import STATES
from trunnion_bridge.models import Order, OrderState
from trunnion_bridge.opcua.address_space import AddressSpace
from trunnion_bridge.opcua.certificate import Identity, identity_of
from trunnion_bridge.opcua.gatekeeper import JWT, Gatekeeper
from trunnion_bridge.opcua.order_methods import OrderMethods
from trunnion_bridge.opcua.session import OPERATIONS_MAX, Internals
from trunnion_bridge.opcua.tags import Seen
from trunnion_bridge.opcua.wire import WireServer, harden
from trunnion_bridge.settings import OpcUa
from trunnion_bridge.trouble import PASSING

_PERIOD_S = 0.2
_LOOK_S = 2.0  # how often it is looked whether callers are still let in
_EVENTS_AT_ONCE = 200
_STOP_S = 1.0
_log = logging.getLogger("trunnion.bridge")


class OpcUaServer:
    """`start` and `stop` belong to the bridge's loop."""

    def __init__(self, bridge: Bridge, settings: OpcUa, listener: socket.socket) -> None:
        self._bridge = bridge
        self._settings = settings
        self._listener = listener
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._internals: Internals | None = None
        self._wire: WireServer | None = None
        self._heard: int | None = None
        self._changed: Order | None = None
        self._counts: Mapping[OrderState, int] = dict.fromkeys(STATES, 0)
        self._counted: int | None = None
        _meter(bridge.metrics.registry, self)

    @property
    def alive(self) -> bool:
        """Whether the thread runs, which begins to serve after a few seconds."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def sessions(self) -> int:
        """Sessions that are open."""
        return len(self._internals.sessions) if self._internals else 0

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return len(self._wire.clients) if self._wire else 0

    async def start(self) -> None:
        """Begin to serve. It takes a few seconds to be ready; whoever connects before waits."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="opcua", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Leave all who are connected."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        with suppress(RuntimeError):  # it has ended by itself
            loop.call_soon_threadsafe(self._ending.set)
        if (
            self._wire
        ):  # while the nodes are made it hears nothing, and a process that ends need not wait for it
            await asyncio.to_thread(thread.join, _STOP_S)

    # All below runs on the thread of OPC UA.

    def _run(self, bridge_loop: asyncio.AbstractEventLoop) -> None:
        try:
            asyncio.run(self._serve(bridge_loop))
        except Exception:
            _log.exception("opcua: it is not served any more")

    async def _serve(self, bridge_loop: asyncio.AbstractEventLoop) -> None:
        self._ending = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        _hush()
        harden()
        identity = identity_of(self._settings)
        is_open = self._settings.certificate is None
        gatekeeper = Gatekeeper(self._bridge.access, bridge_loop, identity.key, anonymous=is_open)
        server = await _server(Internals(gatekeeper), identity, self._endpoint(), is_open)
        space = AddressSpace(server)
        pace = Pace(self._bridge.settings.limits)
        await space.build(OrderMethods(self._bridge.desk, self._bridge.clerk, pace, gatekeeper))
        await self._show(space)
        gc.collect()
        gc.freeze()  # half a million objects that stay: no collection need look at them again
        await server.iserver.start()
        self._internals, self._wire = server.iserver, WireServer(server.iserver, self._listener)
        self._wire.set_policies(server._policies)
        await self._wire.start()
        _log.info("opcua: served at %s", self._endpoint())
        tasks = [asyncio.create_task(work) for work in (self._keep_up(space), self._look(gatekeeper))]
        await self._ending.wait()
        for task in tasks:
            task.cancel()
        self._wire.abort()  # what is left, asyncio.run cancels

    def _endpoint(self) -> str:
        port = self._listener.getsockname()[1]
        return self._settings.endpoint.replace(f":{self._settings.port}", f":{port}", 1)

    async def _keep_up(self, space: AddressSpace) -> None:
        while True:
            await asyncio.sleep(_PERIOD_S)
            try:
                await self._show(space)
            except Exception:
                _log.exception("opcua: the nodes cannot be brought up to date")
                await asyncio.sleep(_LOOK_S)

    async def _show(self, space: AddressSpace) -> None:
        seen, changes = await asyncio.to_thread(self._see)
        await space.show(seen)
        for order in changes:
            await space.tell(order)

    def _see(self) -> tuple[Seen, list[Order]]:
        """The cell now, and the changes of orders since the last time: none after the start, or where more have been
        missed than the database retains."""
        changes: list[Order] = []
        with suppress(*PASSING):  # the robot is shown all the same, and the orders as they were known last
            changes = self._changes()
            if self._counted != self._heard:
                self._counts, self._counted = self._bridge.store.counts(), self._heard
        return Seen(self._bridge.state(), self._bridge.health(), self._counts, self._changed), changes

    def _changes(self) -> list[Order]:
        store = self._bridge.store
        events = None if self._heard is None else store.events_after(self._heard, _EVENTS_AT_ONCE)
        if events is None:
            self._heard, _ = store.newest(1)
            latest = store.events_after(self._heard - 1, 1) if self._heard else None
            self._changed = latest[-1][1] if latest else None
            return []
        if events:
            self._heard, self._changed = events[-1]
        return [order for _, order in events]

    async def _look(self, gatekeeper: Gatekeeper) -> None:
        """A session lasts no longer than the token or the key that opened it."""
        while True:
            await asyncio.sleep(_LOOK_S)
            for session in self._internals.sessions if self._internals else ():
                caller = session.caller
                if caller and not await self._is_valid(gatekeeper, caller):
                    _log.info("opcua: the session of %s has ended with its token or key", caller.name)
                    await session.close_session(True)

    async def _is_valid(self, gatekeeper: Gatekeeper, caller: Caller) -> bool:
        try:
            return await gatekeeper.on_bridge(gatekeeper.is_valid(caller))
        except PASSING:  # nobody can be asked now; what can be changed is in the same database
            return True


async def _server(internals: Internals, identity: Identity, endpoint: str, is_open: bool) -> Server:
    """asyncua's server with what we offer, which listens to nothing yet."""
    server = Server(iserver=internals)
    await server.init()
    await server.set_application_uri(identity.uri)
    server.set_endpoint(endpoint)
    server.set_server_name("Trunnion bridge")
    server.product_uri, server.manufacturer_name = "urn:trunnion:bridge", "Trunnion"
    server.application_type = ua.ApplicationType.Server
    plain = PrivateFormat.PKCS8, NoEncryption()
    await server.load_certificate(identity.certificate.public_bytes(Encoding.DER), "der")
    await server.load_private_key(identity.key.private_bytes(Encoding.DER, *plain), format="der")
    policies = [ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
    tokens = [ua.UserNameIdentityToken, ua.IssuedIdentityToken]
    if is_open:
        policies.append(ua.SecurityPolicyType.NoSecurity)
        tokens.append(ua.AnonymousIdentityToken)
    server.set_security_policy(policies)
    server.set_identity_tokens(tokens)
    await server._setup_server_nodes()
    for offered in internals.endpoints:
        offered.UserIdentityTokens.append(_jwt_policy(offered))
    await _say_limits(server)
    return server


def _jwt_policy(offered: ua.EndpointDescription) -> ua.UserTokenPolicy:
    """Access tokens as they are; asyncua offers keys and names only."""
    policy = ua.UserTokenPolicy()
    policy.PolicyId, policy.TokenType, policy.IssuedTokenType = "jwt", ua.UserTokenType.IssuedToken, JWT
    policy.SecurityPolicyUri = next(
        (one.SecurityPolicyUri for one in offered.UserIdentityTokens if one.PolicyId == "username"), None
    )
    return policy


async def _say_limits(server: Server) -> None:
    for name in (
        "MaxNodesPerRead",
        "MaxNodesPerBrowse",
        "MaxNodesPerMethodCall",
        "MaxNodesPerTranslateBrowsePathsToNodeIds",
        "MaxMonitoredItemsPerCall",
    ):
        number = getattr(ua.ObjectIds, f"Server_ServerCapabilities_OperationLimits_{name}")
        await server.get_node(number).write_value(ua.Variant(OPERATIONS_MAX, ua.VariantType.UInt32))


def _meter(registry: CollectorRegistry, server: OpcUaServer) -> None:
    sessions = Gauge("trunnion_opcua_sessions", "Sessions of OPC UA that are open", registry=registry)
    sessions.set_function(lambda: server.sessions)
    connections = Gauge("trunnion_opcua_connections", "Connections to OPC UA", registry=registry)
    connections.set_function(lambda: server.connections)


class _Few(logging.Handler):
    """asyncua says much, some of it for each message that cannot be read: passes on a line a second, no tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._bucket = Bucket(per_s=1.0, at_once=10.0)

    def emit(self, record: logging.LogRecord) -> None:
        if self._bucket.take():
            _log.warning("opcua: %s", record.getMessage()[:200])


def _hush() -> None:
    library = logging.getLogger("asyncua")
    library.setLevel(logging.WARNING)
    library.propagate = False
    library.handlers = [_Few()]
