"""The bridge before a real OpenID provider, oidc-provider on node; tools/setup/openid_provider.sh brings it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.bridge.running import a_free_port

from trunnion_bridge.access.issuer import Issuer
from trunnion_bridge.access.tokens import TokenVerifier
from trunnion_bridge.problem import Refused

PROGRAM = Path(__file__).with_name("openid_provider.mjs")
AUDIENCE = "urn:trunnion:cell"
NUT = {"lines": [{"part": "nut", "quantity": 1}], "bin": "B"}


@pytest.fixture(scope="module")
def modules(repository) -> Path:
    folder = repository / ".venv" / "openid-provider" / "node_modules"
    if not folder.is_dir() or not shutil.which("node"):
        pytest.skip("NOT RUN: no OpenID provider here (tools/setup/openid_provider.sh)")
    return folder


class Provider:
    """A provider's address, and tokens of it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def bearer(self, client: str, audience: str = AUDIENCE) -> dict[str, str]:
        """The header with a token for a client that has the role it is called by."""
        form = {"grant_type": "client_credentials", "resource": audience}
        answer = httpx.post(f"{self.url}/token", data=form, auth=(client, "for-tests"))
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


@contextmanager
def running_provider(modules: Path, port: int) -> Iterator[Provider]:
    command = ["node", str(PROGRAM), str(port)]
    with subprocess.Popen(
        command, env={**os.environ, "NODE_MODULES": str(modules)}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield Provider(port)
        finally:
            process.kill()


def test_roles_of_a_real_provider_open_what_they_should_and_no_more(modules, start_bridge, cell):
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
