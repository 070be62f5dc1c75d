from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.audit_page import AuditPage
from ...models.list_audit_entries_outcome_type_0 import ListAuditEntriesOutcomeType0
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    who: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    outcome: ListAuditEntriesOutcomeType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_who: None | str | Unset
    if isinstance(who, Unset):
        json_who = UNSET
    else:
        json_who = who
    params["who"] = json_who

    json_action: None | str | Unset
    if isinstance(action, Unset):
        json_action = UNSET
    else:
        json_action = action
    params["action"] = json_action

    json_subject: None | str | Unset
    if isinstance(subject, Unset):
        json_subject = UNSET
    else:
        json_subject = subject
    params["subject"] = json_subject

    json_outcome: None | str | Unset
    if isinstance(outcome, Unset):
        json_outcome = UNSET
    elif isinstance(outcome, ListAuditEntriesOutcomeType0):
        json_outcome = outcome.value
    else:
        json_outcome = outcome
    params["outcome"] = json_outcome

    params["limit"] = limit

    json_before: int | None | Unset
    if isinstance(before, Unset):
        json_before = UNSET
    else:
        json_before = before
    params["before"] = json_before

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/audit",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AuditPage | Problem | None:
    if response.status_code == 200:
        response_200 = AuditPage.from_dict(response.json())

        return response_200

    if 400 <= response.status_code <= 499:
        response_4xx = Problem.from_dict(response.json())

        return response_4xx

    if 500 <= response.status_code <= 599:
        response_5xx = Problem.from_dict(response.json())

        return response_5xx

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[AuditPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    who: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    outcome: ListAuditEntriesOutcomeType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> Response[AuditPage | Problem]:
    """List Audit Entries

     Changes, and attempts at them, newest first.

    Args:
        who (None | str | Unset):
        action (None | str | Unset):
        subject (None | str | Unset):
        outcome (ListAuditEntriesOutcomeType0 | None | Unset):
        limit (int | Unset):  Default: 50.
        before (int | None | Unset): only entries with smaller numbers

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditPage | Problem]
    """

    kwargs = _get_kwargs(
        who=who,
        action=action,
        subject=subject,
        outcome=outcome,
        limit=limit,
        before=before,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    who: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    outcome: ListAuditEntriesOutcomeType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> AuditPage | Problem | None:
    """List Audit Entries

     Changes, and attempts at them, newest first.

    Args:
        who (None | str | Unset):
        action (None | str | Unset):
        subject (None | str | Unset):
        outcome (ListAuditEntriesOutcomeType0 | None | Unset):
        limit (int | Unset):  Default: 50.
        before (int | None | Unset): only entries with smaller numbers

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditPage | Problem
    """

    return sync_detailed(
        client=client,
        who=who,
        action=action,
        subject=subject,
        outcome=outcome,
        limit=limit,
        before=before,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    who: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    outcome: ListAuditEntriesOutcomeType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> Response[AuditPage | Problem]:
    """List Audit Entries

     Changes, and attempts at them, newest first.

    Args:
        who (None | str | Unset):
        action (None | str | Unset):
        subject (None | str | Unset):
        outcome (ListAuditEntriesOutcomeType0 | None | Unset):
        limit (int | Unset):  Default: 50.
        before (int | None | Unset): only entries with smaller numbers

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditPage | Problem]
    """

    kwargs = _get_kwargs(
        who=who,
        action=action,
        subject=subject,
        outcome=outcome,
        limit=limit,
        before=before,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    who: None | str | Unset = UNSET,
    action: None | str | Unset = UNSET,
    subject: None | str | Unset = UNSET,
    outcome: ListAuditEntriesOutcomeType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> AuditPage | Problem | None:
    """List Audit Entries

     Changes, and attempts at them, newest first.

    Args:
        who (None | str | Unset):
        action (None | str | Unset):
        subject (None | str | Unset):
        outcome (ListAuditEntriesOutcomeType0 | None | Unset):
        limit (int | Unset):  Default: 50.
        before (int | None | Unset): only entries with smaller numbers

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditPage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            who=who,
            action=action,
            subject=subject,
            outcome=outcome,
            limit=limit,
            before=before,
        )
    ).parsed
