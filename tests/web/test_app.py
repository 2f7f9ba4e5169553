"""One application: who may ask it, how much at once, and how it says no."""

import httpx2
import pytest

from tmws_mcp.errors import SettingsError
from tmws_mcp.web.bodies import BODY_BYTES_MAX
from tmws_mcp.web.reach import reach_of

pytestmark = pytest.mark.anyio

SEARCH = "/api/v1/memories/search"


async def test_what_is_recalled_has_the_facts_of_the_tool(client: httpx2.AsyncClient) -> None:
    reply = await client.post(SEARCH, json={"query": "importer"})

    assert reply.status_code == 200
    assert reply.json()["memories"] == []
    assert reply.json()["scope"]["namespace"] == "tests"


async def test_what_does_not_fit_is_a_problem_in_the_words_of_the_tools(
    client: httpx2.AsyncClient,
) -> None:
    reply = await client.post(SEARCH, json={"query": "importer", "limit": 0, "limt": 3})

    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert told["type"] == "urn:tmws:problem:invalid-input"
    assert "limit: must be greater than or equal to 1" in told["detail"]
    assert "Unknown argument limt" in told["detail"]


async def test_a_route_that_is_not_there_is_a_problem_too(client: httpx2.AsyncClient) -> None:
    reply = await client.get("/api/v1/nothing")

    assert (reply.status_code, reply.json()["title"]) == (404, "Not Found")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:8931"}, 200),
        ({"Host": "localhost:8931"}, 200),
    ],
)
async def test_rest_serves_known_names_and_pages_alone(
    client: httpx2.AsyncClient, header: dict[str, str], status: int
) -> None:
    reply = await client.post(SEARCH, json={}, headers=header)

    assert reply.status_code == status


@pytest.mark.parametrize("path", [SEARCH, "/mcp"])
async def test_a_body_over_the_limit_is_refused(client: httpx2.AsyncClient, path: str) -> None:
    reply = await client.post(path, content=b"x" * (BODY_BYTES_MAX + 1))

    assert (reply.status_code, reply.json()["title"]) == (413, "Too large")


def test_all_addresses_need_a_name() -> None:
    with pytest.raises(SettingsError, match="TMWS_HTTP_NAMES"):
        reach_of("0.0.0.0", 8931)


def test_a_name_is_served_with_the_port_and_behind_a_proxy_without() -> None:
    reach = reach_of("0.0.0.0", 8931, names=("memory.example.org",))

    assert reach.hosts == ("memory.example.org", "memory.example.org:8931")
    assert "https://memory.example.org" in reach.origins


async def test_a_method_that_a_path_does_not_know_is_told_those_that_it_knows(
    client: httpx2.AsyncClient,
) -> None:
    one = await client.options("/api/v1/memories/mnone")
    many = await client.options("/api/v1/memories/batch")

    assert (one.status_code, one.headers["allow"]) == (405, "DELETE, GET, PATCH")
    assert many.headers["allow"] == "POST"


async def test_openapi_tells_that_errors_are_problems(client: httpx2.AsyncClient) -> None:
    told = (await client.get("/openapi.json")).json()["paths"][SEARCH]["post"]["responses"]

    assert set(told) == {"200", "default"}
    assert list(told["default"]["content"]) == ["application/problem+json"]


async def test_the_page_of_the_interface_fetches_nothing(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")

    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text
    assert "POST /api/v1/memories/search" in page.text
