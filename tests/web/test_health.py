"""Health tells whether the process lives, and whether it can do its work."""

import anyio
import httpx2
import pytest

from tests.web.conftest import asking
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database
from tmws_mcp.web import health

pytestmark = pytest.mark.anyio


async def test_a_server_is_alive_before_its_store_is_opened(
    client: httpx2.AsyncClient, settings: Settings
) -> None:
    reply = await client.get("/health/live")

    assert (reply.status_code, reply.json()) == (200, {"status": "alive"})
    assert not settings.db.exists()


async def test_health_may_be_asked_under_any_name(client: httpx2.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready"):
        assert (await client.get(path, headers={"Host": "10.1.2.3:8931"})).status_code == 200


async def test_a_server_is_ready_once_it_has_written_to_its_store(
    client: httpx2.AsyncClient, settings: Settings
) -> None:
    reply = await client.get("/health/ready")

    assert reply.status_code == 200
    assert reply.json()["status"] == "ready"
    assert reply.json()["store_ms"] > 0
    assert settings.db.exists()


async def test_a_store_that_cannot_be_written_is_told_without_its_name(settings: Settings) -> None:
    settings.db.write_text("something else")
    async with asking(settings) as client:
        reply = await client.get("/health/ready")
        alive = await client.get("/health/live")

    assert (reply.status_code, alive.status_code) == (503, 200)
    assert reply.json()["title"] == "NotADatabase"
    assert str(settings.db) not in reply.text


async def test_many_who_ask_at_once_cause_one_probe(
    client: httpx2.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_SECONDS", 60.0)
    async with Database(settings.db) as store:
        await client.get("/health/ready")
        before = store.version()
        replies = []
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(lambda: _keep(client, replies))
        after = store.version()

    assert [reply.status_code for reply in replies] == [200] * 20
    assert before == after


async def _keep(client: httpx2.AsyncClient, replies: list[httpx2.Response]) -> None:
    replies.append(await client.get("/health/ready"))


async def test_a_process_that_is_to_end_is_not_ready_any_more(settings: Settings) -> None:
    async with asking(settings) as client:
        app = client._transport.app  # type: ignore[attr-defined]
        app.state.draining.begin()

        reply = await client.get("/health/ready")

    assert (reply.status_code, reply.json()["title"]) == (503, "Ending")
