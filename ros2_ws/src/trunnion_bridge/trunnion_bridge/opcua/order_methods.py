"""Orders by methods: PlaceOrder, CancelOrder, GetOrder, for callers and with checks, audit and traces as over REST."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timezone
from typing import Any

from asyncua import ua
from pydantic import TypeAdapter, ValidationError

from trunnion_bridge import correlation
from trunnion_bridge.access.access import check_area, check_role
from trunnion_bridge.access.clerk import Clerk
from trunnion_bridge.access.deed import Deed, acting
from trunnion_bridge.access.pace import Pace
from trunnion_bridge.access.roles import Role
from trunnion_bridge.access.tokens import unauthenticated
from trunnion_bridge.desk import Desk
from trunnion_bridge.models import IdempotencyKey, Order, OrderRequest
from trunnion_bridge.opcua.gatekeeper import Gatekeeper
from trunnion_bridge.opcua.refusal import result_of
from trunnion_bridge.opcua.session import CALLING, Session
from trunnion_bridge.problem import PROBLEMS, Refused, invalid
from trunnion_bridge.tracing import tracer
from trunnion_bridge.trouble import PASSING, database_away

PLACE = ("parts", "quantities", "bin", "idempotencyKey", "deadline")
_PLACE_LEAST = 3  # a key and a deadline may be left out
ORDER = ("orderId",)
_Outputs = list[ua.Variant]
_KEY: TypeAdapter[str] = TypeAdapter(IdempotencyKey)
_log = logging.getLogger("trunnion.bridge")


class OrderMethods:
    """Called on the loop of OPC UA; each works on the bridge's own."""

    def __init__(self, desk: Desk, clerk: Clerk, pace: Pace, gatekeeper: Gatekeeper) -> None:
        self._desk = desk
        self._clerk = clerk
        self._pace = pace
        self._gatekeeper = gatekeeper

    async def place(self, _: Any, *arguments: ua.Variant) -> ua.CallMethodResult:
        """Put an order into the queue: its id, its number, its state, and whether it is new."""

        async def work() -> _Outputs:
            request, key = order_from(arguments)
            order, is_new = await self._desk.place(request, key)
            return [*_outputs(order)[:3], ua.Variant(is_new, ua.VariantType.Boolean)]

        return await self._done(Role.OPERATOR, "order.create", arguments, PLACE, work, _PLACE_LEAST)

    async def cancel(self, _: Any, *arguments: ua.Variant) -> ua.CallMethodResult:
        """Cancel an order: its state, `running` until the sorter has left off."""

        async def work() -> _Outputs:
            return [_text((await self._desk.cancel(_text_in(arguments, 0, ORDER))).state)]

        return await self._done(Role.OPERATOR, "order.cancel", arguments, ORDER, work, 1)

    async def get(self, _: Any, *arguments: ua.Variant) -> ua.CallMethodResult:
        """How far an order is: see `_outputs`."""

        async def work() -> _Outputs:
            return _outputs(await self._desk.get(_text_in(arguments, 0, ORDER)))[2:]

        return await self._done(Role.VIEWER, "", arguments, ORDER, work, 1)

    async def _done(
        self,
        role: Role,
        action: str,
        arguments: Sequence[ua.Variant],
        names: Sequence[str],
        work: Callable[[], Awaitable[_Outputs]],
        least: int,
    ) -> ua.CallMethodResult:
        if not least <= len(arguments) <= len(names):
            is_few = len(arguments) < least
            status = ua.StatusCodes.BadArgumentsMissing if is_few else ua.StatusCodes.BadTooManyArguments
            return ua.CallMethodResult(StatusCode=ua.StatusCode(status))
        try:
            outputs = await self._gatekeeper.on_bridge(
                self._on_bridge(CALLING.get(), role, action, arguments, work)
            )
        except Refused as refused:
            return result_of(refused, names[: max(len(arguments), 1)])
        return ua.CallMethodResult(OutputArguments=outputs)

    async def _on_bridge(
        self,
        session: Session,
        role: Role,
        action: str,
        arguments: Sequence[ua.Variant],
        work: Callable[[], Awaitable[_Outputs]],
    ) -> _Outputs:
        identity = uuid.uuid4().hex
        correlation.request_id.set(identity)
        deed = Deed(action, session.address, identity, {"caller": session.caller})
        subject = str(arguments[0].Value) if action == "order.cancel" else ""
        try:
            with acting(deed), tracer.start_as_current_span(f"opcua {action or 'order.get'}"):
                await self._check(session, role, action or "order.get")
                outputs = await work()
        except Refused as refused:
            if action:
                await self._clerk.refused(deed, subject, PROBLEMS[refused.code][0], refused.code)
            raise
        except PASSING as error:
            raise database_away(error) from None
        except Exception:
            _log.exception("opcua: %s broke", action)
            await self._clerk.refused(deed, subject, 500, "broken")
            raise _broken(action, identity) from None
        if action:
            await self._clerk.done(deed, subject)
            _log.info("opcua: %s by %s", action, session.caller.name if session.caller else "")
        return outputs

    async def _check(self, session: Session, role: Role, what: str) -> None:
        caller = session.caller
        if caller is None or not await self._gatekeeper.is_valid(caller):
            raise unauthenticated("a token that has expired, or a key that was revoked")
        self._pace.check(caller.name)
        check_role(caller, role, what)
        check_area(caller, "orders", what)


def order_from(arguments: Sequence[ua.Variant]) -> tuple[OrderRequest, str | None]:
    """The order and the idempotency key in the arguments of PlaceOrder.

    Raises:
        Refused: `invalid`.
    """
    parts, quantities, bin_name, *more = (argument.Value for argument in arguments)
    key, deadline = (*more, None, None)[:2]
    for name, values in (("parts", parts), ("quantities", quantities)):
        if not isinstance(values, list):
            raise _wrong(name, ascii(values), "an array")
    if len(parts) != len(quantities):
        raise _wrong("quantities", f"{len(quantities)} for {len(parts)} parts", "one for each part")
    lines = [{"part": p, "quantity": q} for p, q in zip(parts, quantities, strict=True)]
    try:
        request = OrderRequest.model_validate(
            {"lines": lines, "bin": bin_name, "deadline": _time_of(deadline)}
        )
        return request, _KEY.validate_python(key) if key else None
    except ValidationError as error:
        problems = error.errors()
        if not problems[0]["loc"]:
            problems[0]["loc"] = ("Idempotency-Key",)
        raise invalid(problems) from None


def _time_of(value: Any) -> Any:
    """OPC UA has no time that is none: the first that it can write stands for it."""
    if not isinstance(value, datetime):
        return value
    aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return aware if aware.year > 1601 else None


def _text_in(arguments: Sequence[ua.Variant], at: int, names: Sequence[str]) -> str:
    value = arguments[at].Value
    if not isinstance(value, str):
        raise _wrong(names[at], ascii(value), "a String")
    return value


def _outputs(order: Order) -> _Outputs:
    """Id, number, state, parts sorted and asked for, message."""
    return [
        _text(order.id),
        ua.Variant(order.number, ua.VariantType.UInt32),
        _text(order.state),
        ua.Variant(order.sorted, ua.VariantType.UInt32),
        ua.Variant(order.requested, ua.VariantType.UInt32),
        _text(order.message),
    ]


def _text(text: str) -> ua.Variant:
    return ua.Variant(text, ua.VariantType.String)


def _wrong(where: str, got: str, wanted: str) -> Refused:
    next_step = "correct it and call the method again; its arguments are described beside it"
    return Refused("invalid", where=where, got=got, wanted=wanted, next_step=next_step)


def _broken(action: str, identity: str) -> Refused:
    return Refused(
        "broken",
        where=action,
        got="an error inside the bridge",
        wanted="an answer",
        next_step=f"look at the bridge's log for request {identity}, and report this with what caused it",
    )
