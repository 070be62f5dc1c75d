"""A session: who has it, what is theirs, and how much of the bridge they may take.

asyncua lets each session at all subscriptions, and limits neither how often one is published nor how much is asked for
at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.internal_session import SessionState as State

from trunnion_bridge.access.roles import Caller
from trunnion_bridge.opcua.gatekeeper import Gatekeeper, other_user

OPERATIONS_MAX = 500  # in one request
SUBSCRIPTIONS_MAX = 8  # of one session, as the two below
MONITORED_MAX = 1000
QUEUE_MAX = 100
PUBLISHING_MS = (100.0, 60_000.0)
CONNECTIONS_MAX = 40
SESSIONS_MAX = 32
_SESSION_S_MAX = 60.0

CALLING: ContextVar[Session] = ContextVar("session")


class Session(InternalSession):
    """Of a client; `caller` is None until it is known who it is."""

    caller: Caller | None = None
    address: str = ""
    _recognised: Caller | None = None

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be asked for in it any more."""
        return bool(self.state == State.Closed)

    async def recognise(self, token: Any, client: Any, server: Any) -> None:
        """Find out who wants this session.

        Raises:
            Refused: nobody who may, or another one than the one who has it.
        """
        caller = await self.iserver.gatekeeper.caller(token, self.nonce or b"", client, server)
        if self.caller and self.caller.name != caller.name:
            raise other_user(caller)
        self._recognised = caller
        self.address = str(client[0])

    def activate_session(self, params: Any, peer_certificate: Any) -> Any:
        """See InternalSession; by then the client's signature is verified."""
        if self._recognised is None:
            raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
        result = super().activate_session(params, peer_certificate)
        self.caller, self._recognised = self._recognised, None
        self.user = User(role=UserRole.User, name=self.caller.name)
        return result

    async def read(self, params: Any) -> Any:
        """See InternalSession, as with all below."""
        _check_number(params.NodesToRead)
        return await super().read(params)

    async def browse(self, params: Any) -> Any:
        _check_number(params.NodesToBrowse)
        return await super().browse(params)

    async def translate_browsepaths_to_nodeids(self, params: Any) -> Any:
        _check_number(params)
        return await super().translate_browsepaths_to_nodeids(params)

    async def call(self, params: Any) -> Any:
        _check_number(params)
        token = CALLING.set(self)
        try:
            return await super().call(params)
        finally:
            CALLING.reset(token)

    async def create_subscription(self, params: Any, callback: Any, request_callback: Any = None) -> Any:
        if len(self._own()) >= SUBSCRIPTIONS_MAX:
            raise ServiceError(ua.StatusCodes.BadTooManySubscriptions)
        low, high = PUBLISHING_MS
        asked = params.RequestedPublishingInterval
        params.RequestedPublishingInterval = min(max(asked, low), high) if asked == asked else low
        return await super().create_subscription(params, callback, request_callback)

    def modify_subscription(self, params: Any) -> Any:
        self._check_own(params.SubscriptionId)
        return super().modify_subscription(params)

    async def delete_subscriptions(self, ids: Sequence[int]) -> Any:
        own = self._own()
        done = dict.fromkeys(ids, ua.StatusCode(ua.StatusCodes.BadSubscriptionIdInvalid))
        mine = [number for number in done if number in own]
        done.update(zip(mine, await super().delete_subscriptions(mine), strict=True))
        return [done[number] for number in ids]

    async def create_monitored_items(self, params: Any) -> Any:
        self._check_own(params.SubscriptionId)
        items = params.ItemsToCreate
        _check_number(items)
        if self._monitored() + len(items) > MONITORED_MAX:
            raise ServiceError(ua.StatusCodes.BadTooManyMonitoredItems)
        _bound_queues(items)
        return await super().create_monitored_items(params)

    async def modify_monitored_items(self, params: Any) -> Any:
        self._check_own(params.SubscriptionId)
        _check_number(params.ItemsToModify)
        _bound_queues(params.ItemsToModify)
        return await super().modify_monitored_items(params)

    async def delete_monitored_items(self, params: Any) -> Any:
        self._check_own(params.SubscriptionId)
        return await super().delete_monitored_items(params)

    async def set_monitoring_mode(self, params: Any) -> Any:
        self._check_own(params.SubscriptionId)
        return await super().set_monitoring_mode(params)

    async def set_publishing_mode(self, params: Any) -> Any:
        for number in params.SubscriptionIds:
            self._check_own(number)
        return await super().set_publishing_mode(params)

    def publish(self, acks: Any = None) -> Any:
        own = self._own()
        number, results = super().publish([ack for ack in acks or () if ack.SubscriptionId in own])
        return min(number, len(own)), results

    def republish(self, params: Any) -> Any:
        self._check_own(params.SubscriptionId)
        return super().republish(params)

    def _own(self) -> set[int]:
        found = self.subscription_service.subscriptions.items()
        return {number for number, one in found if one.session_id == self.session_id}

    def _check_own(self, number: int) -> None:
        if number not in self._own():
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)

    def _monitored(self) -> int:
        found = self.subscription_service.subscriptions
        return sum(len(found[number].monitored_item_srv._monitored_items) for number in self._own())


class Internals(InternalServer):
    """asyncua's server behind the wire, with bounds, and with sessions that are ours."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        super().__init__()
        self.gatekeeper = gatekeeper
        self.user_manager = None  # users are recognised before, where it can be awaited
        self.allow_remote_admin = False
        self.max_connections = CONNECTIONS_MAX
        self.max_pending_activation_seconds = 10.0
        self.max_pending_messages_per_connection = 100
        self.max_session_timeout_ms = _SESSION_S_MAX * 1000
        self.max_subscriptions = SESSIONS_MAX * SUBSCRIPTIONS_MAX
        self.max_monitored_item_queue_size = QUEUE_MAX
        self.max_unacked_messages_per_subscription = 64
        self.max_lifetime_count = 1000

    async def load_standard_address_space(self, shelf_file: Any = None) -> None:
        """On this thread, which a process that ends does not wait for; asyncua takes a thread from a pool."""
        from asyncua.server.standard_address_space.standard_address_space import fill_address_space

        fill_address_space(self.node_mgt_service)

    @property
    def sessions(self) -> list[Session]:
        """Those that clients have."""
        return list(self._external_sessions.values())

    def create_session(self, name: Any, user: Any = None, external: bool = False) -> Session:
        """See InternalServer."""
        if external and len(self._external_sessions) >= SESSIONS_MAX:
            raise ServiceError(ua.StatusCodes.BadTooManySessions)
        return Session(self, self.aspace, self.subscription_service, name, external=external)


def _check_number(asked: Sequence[Any] | None) -> None:
    if len(asked or ()) > OPERATIONS_MAX:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)


def _bound_queues(items: Sequence[Any]) -> None:
    for item in items:
        asked = item.RequestedParameters.QueueSize
        item.RequestedParameters.QueueSize = min(asked or QUEUE_MAX, QUEUE_MAX)
