"""The WebSocket tells what happens, to those who may hear it, and only tells."""

import json
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.web.served import Served, served
from tmws_mcp.engine import open_engine
from tmws_mcp.settings import Settings
from tmws_mcp.web import live

pytestmark = pytest.mark.anyio

PAD = "x" * 10_000
STEP = {"task": "ship", "tool_used": "pytest", "success": True}


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Served]:
    async with served(settings) as one:
        yield one


async def observe(settings: Settings, **more: object) -> None:
    """Observe something in another process."""
    async with open_engine(settings) as engine:
        await engine.observe_interaction({**STEP, **more})


async def heard(socket: ClientConnection, n: int) -> list[dict]:
    with anyio.fail_after(10):
        return [json.loads(await socket.recv()) for _ in range(n)]


async def closed(socket: ClientConnection) -> tuple[int, str]:
    with anyio.fail_after(10), pytest.raises(ConnectionClosed) as ended:
        await socket.recv()
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code, ended.value.rcvd.reason


async def test_what_happens_in_any_process_is_told(server: Served, settings: Settings) -> None:
    async with connect(server.socket_url) as socket:
        await observe(settings)

        observed, learned = await heard(socket, 2)

    assert (observed["kind"], observed["namespace"], observed["data"]["tool"]) == (
        "observed", "tests", "pytest",
    )  # fmt: skip
    assert learned["kind"] == "learned"


async def test_only_what_was_asked_for_is_told(server: Served, settings: Settings) -> None:
    await observe(settings, namespace="there")
    async with connect(f"{server.socket_url}?namespaces=there&kinds=learned") as socket:
        await observe(settings)
        await observe(settings, namespace="there")

        [one] = await heard(socket, 1)

    assert (one["namespace"], one["kind"]) == ("there", "learned")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("kinds=observd", "kinds"),
        ("namespaces=UP%20DOWN", "namespaces"),
        ("namespace=here", "namespace"),
        ("&".join(f"namespaces=n{number}" for number in range(60)), "namespaces"),
    ],
)
async def test_what_cannot_be_watched_is_refused_with_a_reason(
    server: Served, query: str, said: str
) -> None:
    async with connect(f"{server.socket_url}?{query}") as socket:
        code, reason = await closed(socket)

    assert code == 1008
    assert said in reason


async def test_who_sends_something_is_sent_away(server: Served) -> None:
    async with connect(server.socket_url) as socket:
        await socket.send("hello")

        assert await closed(socket) == (1003, "this socket only tells")


async def test_who_sends_much_is_sent_away(server: Served) -> None:
    async with connect(server.socket_url) as socket:
        await socket.send("x" * 100_000)

        code, _ = await closed(socket)

    assert code == 1009
    await nobody_watches(server)


async def nobody_watches(server: Served) -> None:
    with anyio.fail_after(10):
        while server.app.state.watching:
            await anyio.sleep(0.01)


async def test_a_page_of_another_site_cannot_listen(server: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(server.socket_url, origin="https://evil.example")

    assert refused.value.response.status_code == 403


async def test_more_than_may_watch_are_told_to_come_back(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WATCHERS_MAX", 1)
    async with connect(server.socket_url) as first, connect(server.socket_url) as second:
        code, reason = await closed(second)
        await first.ping()

    assert (code, reason) == (1013, "1 watch already")


async def test_a_client_that_does_not_read_loses_events_and_holds_up_nobody(
    server: Served,
) -> None:
    engine = await server.app.state.engine.get()
    await engine.observe_interaction(STEP)
    narrow = sockets.socket()
    narrow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
    rounds, size = 4, 400
    async with (
        connect(server.socket_url, sock=narrow, max_queue=1) as slow,
        connect(server.socket_url, max_queue=1) as quick,
    ):
        for number in range(rounds):
            for _ in range(size):
                engine.feed.tell(
                    "executed", "tests", lambda n=number: {"n": n, "pad": "x" * 10_000}
                )
            await engine.feed.write_down(await engine._opened())
            seen = 0
            while seen < size:
                [event] = await heard(quick, 1)
                seen += event["kind"] == "executed"
        lost = 0
        with anyio.fail_after(30):
            while True:
                event = json.loads(await slow.recv())
                lost += event["data"].get("events", 0)
                if event["number"] >= rounds * size:
                    break

    assert lost > 0


@pytest.mark.parametrize("path", ["/ws", "/ws?kinds=executed"])
async def test_a_plain_request_is_told_that_this_is_a_socket(server: Served, path: str) -> None:
    async with httpx2.AsyncClient() as client:
        reply = await client.get(server.url + path)

    assert reply.status_code in (404, 426)


async def test_odd_frames_end_one_connection_and_nothing_else(server: Served) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    upgrade = (
        f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
    odd = st.binary(min_size=1, max_size=400)
    frames: list[bytes] = []

    @given(odd)
    def collect(frame: bytes) -> None:
        frames.append(frame)

    collect()
    for frame in frames:
        with anyio.fail_after(10):
            stream = await anyio.connect_tcp(host, int(port))
            async with stream:
                await stream.send(upgrade)
                assert b"101" in await stream.receive()
                await stream.send(frame)
                await stream.send_eof()
                with anyio.move_on_after(0.02), suppress(anyio.EndOfStream, OSError):
                    await stream.receive()

    await nobody_watches(server)
    async with connect(server.socket_url) as socket:
        await socket.ping()
