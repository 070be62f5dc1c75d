from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.inference_result import InferenceResult
from ...models.problem import Problem
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    *,
    body: File | File | Unset = UNSET,
    confidence: float | None | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    json_confidence: float | None | Unset
    if isinstance(confidence, Unset):
        json_confidence = UNSET
    else:
        json_confidence = confidence
    params["confidence"] = json_confidence

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/infer",
        "params": params,
    }

    if isinstance(body, File):
        _kwargs["content"] = body.payload
        headers["Content-Type"] = "image/jpeg"
    if isinstance(body, File):
        _kwargs["content"] = body.payload
        headers["Content-Type"] = "image/png"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> InferenceResult | Problem | None:
    if response.status_code == 200:
        response_200 = InferenceResult.from_dict(response.json())

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
) -> Response[InferenceResult | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: File | File | Unset = UNSET,
    confidence: float | None | Unset = UNSET,
) -> Response[InferenceResult | Problem]:
    """Infer

     Detect in a JPEG or PNG what the cell's own detector would, by the network of the cell's bundle.

    Images of all callers share one queue; while it is full, and while the network is loaded for the
    first image, they
    are refused with 503 and `Retry-After`. Nothing is kept.

    Args:
        confidence (float | None | Unset): the least score; without it the model's own
        body (File):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InferenceResult | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        confidence=confidence,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: File | File | Unset = UNSET,
    confidence: float | None | Unset = UNSET,
) -> InferenceResult | Problem | None:
    """Infer

     Detect in a JPEG or PNG what the cell's own detector would, by the network of the cell's bundle.

    Images of all callers share one queue; while it is full, and while the network is loaded for the
    first image, they
    are refused with 503 and `Retry-After`. Nothing is kept.

    Args:
        confidence (float | None | Unset): the least score; without it the model's own
        body (File):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InferenceResult | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        confidence=confidence,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: File | File | Unset = UNSET,
    confidence: float | None | Unset = UNSET,
) -> Response[InferenceResult | Problem]:
    """Infer

     Detect in a JPEG or PNG what the cell's own detector would, by the network of the cell's bundle.

    Images of all callers share one queue; while it is full, and while the network is loaded for the
    first image, they
    are refused with 503 and `Retry-After`. Nothing is kept.

    Args:
        confidence (float | None | Unset): the least score; without it the model's own
        body (File):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InferenceResult | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        confidence=confidence,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: File | File | Unset = UNSET,
    confidence: float | None | Unset = UNSET,
) -> InferenceResult | Problem | None:
    """Infer

     Detect in a JPEG or PNG what the cell's own detector would, by the network of the cell's bundle.

    Images of all callers share one queue; while it is full, and while the network is loaded for the
    first image, they
    are refused with 503 and `Retry-After`. Nothing is kept.

    Args:
        confidence (float | None | Unset): the least score; without it the model's own
        body (File):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InferenceResult | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            confidence=confidence,
        )
    ).parsed
