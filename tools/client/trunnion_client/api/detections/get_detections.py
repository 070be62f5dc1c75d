from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.detections import Detections
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    label: list[str] | None | Unset = UNSET,
    confidence: float | Unset = 0.0,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_label: list[str] | None | Unset
    if isinstance(label, Unset):
        json_label = UNSET
    elif isinstance(label, list):
        json_label = label

    else:
        json_label = label
    params["label"] = json_label

    params["confidence"] = confidence

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/detections",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Detections | Problem | None:
    if response.status_code == 200:
        response_200 = Detections.from_dict(response.json())

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
) -> Response[Detections | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    label: list[str] | None | Unset = UNSET,
    confidence: float | Unset = 0.0,
) -> Response[Detections | Problem]:
    """Get Detections

     What the cell's detector saw in its latest image, with the image's stamp and frame. 503 while it
    sees nothing.

    Args:
        label (list[str] | None | Unset): only these; may be repeated
        confidence (float | Unset): only those at least as sure Default: 0.0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Detections | Problem]
    """

    kwargs = _get_kwargs(
        label=label,
        confidence=confidence,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    label: list[str] | None | Unset = UNSET,
    confidence: float | Unset = 0.0,
) -> Detections | Problem | None:
    """Get Detections

     What the cell's detector saw in its latest image, with the image's stamp and frame. 503 while it
    sees nothing.

    Args:
        label (list[str] | None | Unset): only these; may be repeated
        confidence (float | Unset): only those at least as sure Default: 0.0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Detections | Problem
    """

    return sync_detailed(
        client=client,
        label=label,
        confidence=confidence,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    label: list[str] | None | Unset = UNSET,
    confidence: float | Unset = 0.0,
) -> Response[Detections | Problem]:
    """Get Detections

     What the cell's detector saw in its latest image, with the image's stamp and frame. 503 while it
    sees nothing.

    Args:
        label (list[str] | None | Unset): only these; may be repeated
        confidence (float | Unset): only those at least as sure Default: 0.0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Detections | Problem]
    """

    kwargs = _get_kwargs(
        label=label,
        confidence=confidence,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    label: list[str] | None | Unset = UNSET,
    confidence: float | Unset = 0.0,
) -> Detections | Problem | None:
    """Get Detections

     What the cell's detector saw in its latest image, with the image's stamp and frame. 503 while it
    sees nothing.

    Args:
        label (list[str] | None | Unset): only these; may be repeated
        confidence (float | Unset): only those at least as sure Default: 0.0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Detections | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            label=label,
            confidence=confidence,
        )
    ).parsed
