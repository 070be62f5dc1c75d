from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL
from tests.bridge.outward.shop import Shop

from trunnion_bridge.database import Database


@pytest.fixture
def shop(database_url: URL) -> Iterator[Shop]:
    with Database(database_url) as database:
        yield Shop(database)
