"""Traces go to a collector where one is named, and say which tool was called."""

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.transports.raw import TMWS, raw_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector that keeps what it is sent."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    server.shutdown()
    thread.join()
    server.server_close()


async def test_spans_of_calls_reach_the_collector_by_the_end(
    tmp_path: Path, collector: tuple[str, list[bytes]]
) -> None:
    pytest.importorskip("opentelemetry.sdk")
    url, got = collector
    more = {"TMWS_OTLP_URL": url}
    async with raw_server(tmp_path, TMWS, more, stderr=subprocess.DEVNULL) as server:
        await server.initialize()
        await server.call("store_memory", {"content": "a fact of nobody's business"})
        await server.answer()
        await server.close_input()
        assert await server.exit_code() == 0

    sent = b"".join(got)
    assert b"store_memory" in sent
    assert b"tmws-mcp" in sent
    assert b"nobody's business" not in sent


async def test_a_collector_that_is_away_keeps_no_server_from_working_and_ending(
    tmp_path: Path,
) -> None:
    more = {"TMWS_OTLP_URL": "http://127.0.0.1:1/v1/traces"}
    async with raw_server(tmp_path, TMWS, more, stderr=subprocess.DEVNULL) as server:
        await server.initialize()
        await server.call("store_memory", {"content": "a fact"})
        assert not (await server.answer())["result"].get("isError")
        await server.close_input()
        assert await server.exit_code() == 0
