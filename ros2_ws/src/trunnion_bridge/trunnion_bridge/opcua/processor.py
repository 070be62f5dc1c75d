"""What a connection may ask for, before and after it is known who is there."""

from __future__ import annotations

import logging
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import struct_from_binary

from trunnion_bridge.access.bucket import Bucket
from trunnion_bridge.opcua.session import Session
from trunnion_bridge.problem import Refused

_log = logging.getLogger("trunnion.bridge")
_refusals = Bucket(per_s=1.0, at_once=20.0)  # lines of the log: it must not fill the disk


def _requests(*names: str) -> frozenset[ua.NodeId]:
    ids = (getattr(ua.ObjectIds, f"{name}Request_Encoding_DefaultBinary") for name in names)
    return frozenset(ua.NodeId(number) for number in ids)


_CREATE, _ACTIVATE = _requests("CreateSession"), _requests("ActivateSession")
# Clients ask for these on a channel without security, to learn which security there is.
_DISCOVERY = _requests("GetEndpoints", "FindServers", "CloseSecureChannel")
_SERVED = (
    _DISCOVERY
    | _CREATE
    | _ACTIVATE
    | _requests(
        "CloseSession",
        "Read",
        "Browse",
        "TranslateBrowsePathsToNodeIds",
        "RegisterNodes",
        "UnregisterNodes",
        "Call",
        "CreateSubscription",
        "ModifySubscription",
        "DeleteSubscriptions",
        "SetPublishingMode",
        "CreateMonitoredItems",
        "ModifyMonitoredItems",
        "DeleteMonitoredItems",
        "SetMonitoringMode",
        "Publish",
        "Republish",
    )
)


class Processor(UaProcessor):
    """Answers the requests of one connection, which has one session at most, and the session ends with it.

    asyncua itself takes sessions on channels without security, too, and gives a session to whoever can name it.
    """

    async def _process_message(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        if typeid not in _SERVED:
            raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
        if typeid not in _DISCOVERY and not self._channel_suffices():
            raise ServiceError(ua.StatusCodes.BadSecurityModeRejected)
        if typeid in _CREATE and self.session is not None and not self.session.is_closed:
            raise ServiceError(
                ua.StatusCodes.BadTooManySessions
            )  # asyncua would forget the one that there is
        if typeid in _ACTIVATE:
            await self._recognise(body.copy())
        return await super()._process_message(typeid, requesthdr, seqhdr, body)

    def send_response(self, requesthandle: Any, seqhdr: Any, response: Any, *more: Any, **named: Any) -> None:
        """Also say in words why a method was refused."""
        if isinstance(response, ua.CallResponse):
            response.DiagnosticInfos = [_in_words(result) for result in response.Results]
        super().send_response(requesthandle, seqhdr, response, *more, **named)

    def _channel_suffices(self) -> bool:
        policy = self._connection.security_policy
        offered = ((edp.SecurityPolicyUri, edp.SecurityMode) for edp in self.iserver.endpoints)
        return (policy.URI, policy.Mode) in offered

    def _should_close_session_on_transport_loss(self) -> bool:
        return True

    async def _recognise(self, body: Any) -> None:
        """Who wants the session; it becomes theirs when asyncua has verified the client's signature."""
        session: Session | None = self.session
        if session is None:
            raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
        params = struct_from_binary(ua.ActivateSessionParameters, body)
        try:
            await session.recognise(params.UserIdentityToken, self.name, self.sockname)
        except Refused as refused:
            if _refusals.take():
                _log.warning("opcua: a session from %s was refused: %s", self.name[0], refused)
            is_away = refused.code == "issuer-away"
            status = ua.StatusCodes
            raise ServiceError(
                status.BadResourceUnavailable if is_away else status.BadUserAccessDenied
            ) from None


def _in_words(result: Any) -> Any:
    said = [info for info in result.InputArgumentDiagnosticInfos if info.AdditionalInfo]
    return said[0] if said else ua.DiagnosticInfo()
