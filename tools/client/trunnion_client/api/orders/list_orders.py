from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.list_orders_state_type_0 import ListOrdersStateType0
from ...models.order_page import OrderPage
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    state: ListOrdersStateType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_state: None | str | Unset
    if isinstance(state, Unset):
        json_state = UNSET
    elif isinstance(state, ListOrdersStateType0):
        json_state = state.value
    else:
        json_state = state
    params["state"] = json_state

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
        "url": "/v1/orders",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> OrderPage | Problem | None:
    if response.status_code == 200:
        response_200 = OrderPage.from_dict(response.json())

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
) -> Response[OrderPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    state: ListOrdersStateType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> Response[OrderPage | Problem]:
    """List Orders

     Orders, newest first.

    Args:
        state (ListOrdersStateType0 | None | Unset):
        limit (int | Unset):  Default: 50.
        before (int | None | Unset): only orders with smaller numbers

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OrderPage | Problem]
    """

    kwargs = _get_kwargs(
        state=state,
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
    state: ListOrdersStateType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> OrderPage | Problem | None:
    """List Orders

     Orders, newest first.

    Args:
        state (ListOrdersStateType0 | None | Unset):
        limit (int | Unset):  Default: 50.
        before (int | None | Unset): only orders with smaller numbers

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OrderPage | Problem
    """

    return sync_detailed(
        client=client,
        state=state,
        limit=limit,
        before=before,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    state: ListOrdersStateType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> Response[OrderPage | Problem]:
    """List Orders

     Orders, newest first.

    Args:
        state (ListOrdersStateType0 | None | Unset):
        limit (int | Unset):  Default: 50.
        before (int | None | Unset): only orders with smaller numbers

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OrderPage | Problem]
    """

    kwargs = _get_kwargs(
        state=state,
        limit=limit,
        before=before,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    state: ListOrdersStateType0 | None | Unset = UNSET,
    limit: int | Unset = 50,
    before: int | None | Unset = UNSET,
) -> OrderPage | Problem | None:
    """List Orders

     Orders, newest first.

    Args:
        state (ListOrdersStateType0 | None | Unset):
        limit (int | Unset):  Default: 50.
        before (int | None | Unset): only orders with smaller numbers

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OrderPage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            state=state,
            limit=limit,
            before=before,
        )
    ).parsed
