"""A refusal as OPC UA says it: a status, which argument it is about, and in words where, got, wanted, next."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from asyncua import ua

from trunnion_bridge.problem import PROBLEMS, Refused

_STATUS: Mapping[int, int] = {
    400: ua.StatusCodes.BadInvalidArgument,
    401: ua.StatusCodes.BadIdentityTokenRejected,
    403: ua.StatusCodes.BadUserAccessDenied,
    404: ua.StatusCodes.BadNotFound,
    409: ua.StatusCodes.BadInvalidState,
    422: ua.StatusCodes.BadInvalidArgument,
    429: ua.StatusCodes.BadTooManyOperations,
    503: ua.StatusCodes.BadResourceUnavailable,
}
_CODES: Mapping[str, int] = {"idempotency-conflict": ua.StatusCodes.BadEntryExists}
# Where REST says it is, and the argument of the method that it is in.
_ARGUMENTS = (
    (re.compile(r"(?:body\.)?lines\.(\d+)\.part"), "parts[{}]"),
    (re.compile(r"(?:body\.)?lines\.(\d+)\.quantity"), "quantities[{}]"),
    (re.compile(r"(?:body\.)?lines"), "parts"),
    (re.compile(r"(?:body\.)?(bin|deadline)"), "{}"),
    (re.compile(r"Idempotency-Key"), "idempotencyKey"),
    (re.compile(r"the order's id"), "orderId"),
)


def status_of(refused: Refused) -> int:
    """The status code of OPC UA."""
    http_status = PROBLEMS[refused.code][0]
    return _CODES.get(refused.code) or _STATUS.get(http_status, ua.StatusCodes.BadInternalError)


def in_arguments(refused: Refused) -> Refused:
    """The same refusal, which names its place by the arguments of the method."""
    for pattern, form in _ARGUMENTS:
        if found := pattern.fullmatch(refused.where):
            where = form.format(*found.groups())
            return Refused(
                refused.code, where=where, got=refused.got, wanted=refused.wanted, next_step=refused.next_step
            )
    return refused


def result_of(refused: Refused, arguments: Sequence[str]) -> ua.CallMethodResult:
    """The answer to a call of a method that takes `arguments`.

    The words stand with the argument that they are about, or with the first. The specification has them sent on
    request only; few clients can ask for them, and they are short.
    """
    told = in_arguments(refused)
    status = ua.StatusCode(status_of(told))
    named = told.where.split("[")[0]
    at = arguments.index(named) if named in arguments else None
    words = ua.DiagnosticInfo(AdditionalInfo=str(told))
    return ua.CallMethodResult(
        StatusCode=status,
        InputArgumentResults=[status if n == at else ua.StatusCode() for n in range(len(arguments))],
        InputArgumentDiagnosticInfos=[
            words if n == (at or 0) else ua.DiagnosticInfo() for n in range(len(arguments))
        ],
    )
