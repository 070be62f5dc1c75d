"""The bridge before a real OpenID provider."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.bridge.openid_provider import AUDIENCE, provider_modules, running_provider
from tests.bridge.running import a_free_port

from trunnion_bridge.access.issuer import Issuer
from trunnion_bridge.access.tokens import TokenVerifier
from trunnion_bridge.main import main
from trunnion_bridge.problem import Refused

NUT = {"lines": [{"part": "nut", "quantity": 1}], "bin": "B"}


@pytest.fixture(scope="module")
def modules(repository) -> Path:
    return provider_modules(repository)


def test_roles_of_a_real_provider_open_what_they_should_and_no_more(
    modules, start_bridge, cell, tmp_path, capsys
):
    port = a_free_port()
    with running_provider(modules, port) as provider:
        named = ("--oidc-issuer", provider.url, "--oidc-audience", AUDIENCE)
        with start_bridge(*named, "--oidc-role-claim", "realm_access.roles") as bridge:
            viewer, operator = provider.bearer("viewer"), provider.bearer("operator")
            refused = {
                "no token": bridge.http.get("/v1/state"),
                "of the machine": bridge.http.post("/v1/session"),
                "other audience": bridge.http.get(
                    "/v1/state", headers=provider.bearer("viewer", "urn:other")
                ),
                "no role": bridge.http.get("/v1/state", headers=provider.bearer("nobody")),
                "too low": bridge.http.post("/v1/orders", json=NUT, headers=viewer),
            }
            assert {why: answer.status_code for why, answer in refused.items()} == {
                "no token": 401, "of the machine": 401, "other audience": 401, "no role": 403, "too low": 403,
            }  # fmt: skip
            assert bridge.http.get("/v1/state", headers=viewer).status_code == 200
            assert bridge.http.post("/v1/orders", json=NUT, headers=operator).status_code == 201
            place = ["--data-dir", str(tmp_path / "data"), "--name", "MES", "--role", "viewer"]
            assert main(["keys", "create", *place]) == 0
            key = {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}
            assert bridge.http.get("/v1/state", headers=key).status_code == 200
            no_session = bridge.http.post("/v1/session", headers=key)
            assert (no_session.status_code, no_session.json()["type"]) == (
                403,
                "urn:trunnion:problem:no-session",
            )
            assert "set-cookie" not in no_session.headers
    assert refused["no token"].headers["WWW-Authenticate"] == 'Bearer realm="trunnion"'
    assert "the role operator or a higher one" in refused["too low"].json()["wanted"]


def test_rotated_keys_are_fetched_and_old_tokens_fall_with_their_keys(modules):
    port = a_free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}", refetch_min_s=0.0)
    verifier = TokenVerifier(issuer, f"http://127.0.0.1:{port}", AUDIENCE, "realm_access.roles")

    async def name_in(header):
        return (await verifier.caller(header["Authorization"].removeprefix("Bearer "))).name

    async def rotate():
        with running_provider(modules, port) as provider:
            old = await asyncio.to_thread(provider.bearer, "viewer")
            assert await name_in(old) == "viewer"
            assert await name_in(old) == "viewer"
            assert issuer.fetches == 1
        # While the provider is away its keys still serve.
        assert await name_in(old) == "viewer"
        with running_provider(modules, port) as provider:
            new = await asyncio.to_thread(provider.bearer, "operator")
            assert await name_in(new) == "operator"
            assert issuer.fetches == 2
            with pytest.raises(Refused, match="does not publish"):
                await name_in(old)

    asyncio.run(rotate())
