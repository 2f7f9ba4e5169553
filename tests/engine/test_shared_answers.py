"""What came from elsewhere is shared through Redis, and nothing else is."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest

from tests.redis_server import client
from tmws_mcp.cache import redis_layer
from tmws_mcp.engine import open_engine
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

SITE = """\
id: infrastructure.weather
route: infrastructure
summary: The weather
cache_seconds: 60
triggers: {exact: [how is the weather]}
examples: {match: [how is the weather]}
steps: [{name: said, action: http.get, with: {url: "http://localhost:PORT/weather"}}]
"""
ASKED = {"query": "how is the weather"}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Redis time on a busy machine; a slow one is tested beside the layer."""
    monkeypatch.setattr(redis_layer, "SECONDS_MAX", 5.0)


class Site(BaseHTTPRequestHandler):
    """A site that counts how often it is asked."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"sunny {type(self).asked}".encode())

    def log_message(self, *_: object) -> None:
        """Keep silent."""


@pytest.fixture
def port() -> Iterator[int]:
    Site.asked = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shared(settings: Settings, tmp_path: Path, port: int, redis_url: str) -> Settings:
    folder = tmp_path / "mine" / "infrastructure"
    folder.mkdir(parents=True)
    (folder / "weather.yaml").write_text(SITE.replace("PORT", str(port)))
    return settings.model_copy(
        update={
            "pattern_dirs": (tmp_path / "mine",),
            "fetch_hosts": (f"near:localhost:{port}",),
            "redis_url": redis_url,
        }
    )


async def test_what_one_instance_fetched_another_need_not(shared: Settings, tmp_path: Path) -> None:
    elsewhere = shared.model_copy(update={"db": tmp_path / "other.db"})
    with anyio.fail_after(60):
        async with open_engine(shared) as one, open_engine(elsewhere) as other:
            first = await one.pattern_execute(ASKED)
            second = await other.pattern_execute(ASKED)
            third = await other.pattern_execute(ASKED)
            insight = (await other.statistics()).insight

    assert (first.cached, second.cached, third.cached) == (False, "redis", "process")
    assert first.result == second.result == third.result
    assert Site.asked == 1
    [weather] = [one for one in insight.patterns if one.pattern == "infrastructure.weather"]
    assert weather.kept_by == {"redis": 1, "process": 1}
    assert "redis" in {one.name for one in insight.caches}


async def test_another_place_fetches_itself(shared: Settings, tmp_path: Path) -> None:
    elsewhere = shared.model_copy(update={"db": tmp_path / "other.db", "cache_place": "the moon"})
    with anyio.fail_after(60):
        async with open_engine(shared) as one, open_engine(elsewhere) as other:
            await one.pattern_execute(ASKED)
            second = await other.pattern_execute(ASKED)

    assert second.cached is False
    assert Site.asked == 2


async def test_no_memory_goes_to_redis(shared: Settings, redis_url: str) -> None:
    with anyio.fail_after(60):
        async with open_engine(shared) as engine:
            await engine.store_memory({"content": "the staging port is 8931"})
            matcher = (await engine._books()).matcher
            assert await anyio.to_thread.run_sync(matcher.learned, 60)  # no answer is kept before
            await engine.pattern_execute({"query": "recall the staging port"})
            again = await engine.pattern_execute({"query": "recall the staging port"})

    assert again.cached == "process"
    with client(redis_url) as looked:
        assert not [name for name in looked.scan_iter() if b":answer:" in name]


async def test_no_memory_that_a_mode_adds_goes_to_redis_or_comes_from_there(
    shared: Settings, redis_url: str
) -> None:
    asked = ASKED | {"mode": "comprehensive"}
    with anyio.fail_after(60):
        async with open_engine(shared) as engine:
            await engine.store_memory({"content": "how the weather is: fog at the coast"})
            reply = await engine.pattern_execute(asked)
        with client(redis_url) as looked:
            assert not [name for name in looked.scan_iter() if b":answer:" in name]
            async with open_engine(shared) as engine:
                await engine.pattern_execute(ASKED)  # which may be shared
            [name] = [name for name in looked.scan_iter() if b":answer:" in name]
            looked.set(name, b"1\n" + reply.model_dump_json().encode(), ex=60)
        async with open_engine(shared) as other:
            anew = await other.pattern_execute(ASKED)

    assert "fog at the coast" in str(reply.result)
    assert (anew.cached, "fog" in str(anew.result)) == (False, False)


async def test_garbage_in_redis_is_made_anew(shared: Settings, redis_url: str) -> None:
    with anyio.fail_after(60):
        async with open_engine(shared) as one:
            await one.pattern_execute(ASKED)
        with client(redis_url) as looked:
            [name] = [name for name in looked.scan_iter() if b":answer:" in name]
            looked.set(name, b'1\n{"pattern": 7}', ex=60)
        async with open_engine(shared) as other:
            reply = await other.pattern_execute(ASKED)

    assert reply.cached is False
    assert "sunny 2" in str(reply.result)


async def test_a_redis_that_is_away_fails_nothing(shared: Settings) -> None:
    away = shared.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    with anyio.fail_after(60):
        async with open_engine(away) as engine:
            first = await engine.pattern_execute(ASKED)
            second = await engine.pattern_execute(ASKED)

    assert (first.cached, second.cached) == (False, "process")
