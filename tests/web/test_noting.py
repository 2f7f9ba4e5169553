"""The access log tells the route, the status and the time, and nothing that somebody sent."""

import json
import logging
from collections.abc import Iterator

import httpx2
import pytest

from tmws_mcp.telemetry import configure_logging

pytestmark = pytest.mark.anyio

SECRET = "s3cr3t-t0ken"


@pytest.fixture
def logged() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    configure_logging("INFO")
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.getLogger("tmws_mcp").setLevel(logging.NOTSET)


@pytest.mark.usefixtures("logged")
async def test_a_request_is_one_line_without_what_was_sent(
    client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await client.post(
        "/api/v1/memories/search",
        json={"query": SECRET},
        headers={"Authorization": f"Bearer {SECRET}", "Cookie": SECRET},
    )
    await client.get(f"/api/v1/memories?tag={SECRET}")
    await client.get(f"/{SECRET}")

    said = capsys.readouterr().err
    lines = [json.loads(line) for line in said.splitlines() if "request.served" in line]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/api/v1/memories/search", 200),
        ("GET", "/api/v1/memories", 200),
        ("GET", "other", 404),
    ]
    assert all(line["duration_ms"] > 0 for line in lines)
    assert SECRET not in said
