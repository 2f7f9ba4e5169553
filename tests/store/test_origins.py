"""Where memories come from takes few rows, whatever clients call themselves."""

import pytest

from tmws_mcp.model import Origin
from tmws_mcp.store import origins
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio


async def test_the_same_origin_has_one_row(store: Database) -> None:
    agent = Origin(via="store_memory", client="Desk 1.0")

    keys = [await store.write(origins.ensure, agent) for _ in range(2)]

    assert keys[0] == keys[1]


async def test_beyond_the_limit_the_clients_name_is_left_out(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "ORIGINS_MAX", 3)

    keys = [await store.write(origins.ensure, Origin(client=f"Client {i}")) for i in range(9)]

    assert len(set(keys)) == 4
    rows = await store.read(lambda db: db.rows("SELECT client FROM origin ORDER BY id"))
    assert rows == [("Client 0",), ("Client 1",), ("Client 2",), ("",)]
