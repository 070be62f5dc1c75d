"""A real OpenID provider, oidc-provider on node, as a process; tools/setup/openid_provider.sh brings it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

PROGRAM = Path(__file__).with_name("openid_provider.mjs")
AUDIENCE = "urn:trunnion:cell"
PAGE_CLIENT = "page"


def provider_modules(repository: Path) -> Path:
    """Where the provider's modules are; without them the test is skipped."""
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
def running_provider(modules: Path, port: int, page: str = "") -> Iterator[Provider]:
    """A provider for as long as the block lasts; with `page`, an origin, people sign in there with their role as name
    and any password."""
    command = ["node", str(PROGRAM), str(port), page]
    with subprocess.Popen(
        command, env={**os.environ, "NODE_MODULES": str(modules)}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield Provider(port)
        finally:
            process.kill()
