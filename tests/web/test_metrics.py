"""/metrics tells Prometheus what was done and how things stand, by names that are listed."""

from collections.abc import Mapping

import httpx2
import pytest
from mcp import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.web.served import served
from tmws_mcp.measures import BOUNDS_SECONDS, SERIES_MAX, Measures, Sample
from tmws_mcp.settings import Settings
from tmws_mcp.web.metrics import METRICS, families

pytestmark = pytest.mark.anyio

FACT = "we decide that the staging port is 8931"
Figures = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def figures(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset((k, v) for k, v in sample.labels.items() if k != "worker" and v)):
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }  # fmt: skip


def told(found: Figures, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_what_was_asked_by_tools_and_rest_is_told(settings: Settings) -> None:
    settings = settings.model_copy(update={"embedder": "static"})
    async with served(settings) as server, httpx2.AsyncClient(timeout=20) as web:
        async with Client(f"{server.url}/mcp") as client:
            await client.call_tool("store_memory", {"content": FACT})
            await client.call_tool("recall_memory", {"query": "importer", "limt": 3})
            for _ in range(3):
                await client.call_tool("pattern_execute", {"query": "recall the staging port"})
        await web.post(f"{server.url}/api/v1/memories/search", json={"query": "importer"})
        await web.get(f"{server.url}/no/such/thing")
        reply = await web.get(f"{server.url}/metrics")

    found = figures(reply.text)
    assert reply.headers["content-type"].startswith("text/plain")
    ok = {"tool": "pattern_execute", "outcome": "ok"}
    assert told(found, "tmws_tool_seconds_count", **ok) == 3
    assert told(found, "tmws_tool_seconds_count", tool="recall_memory", outcome="refused") == 1
    kept, made = ({"route": "memory", "kept": which} for which in ("process", "made"))
    assert told(found, "tmws_execution_seconds_count", **made) == 1
    assert told(found, "tmws_execution_seconds_count", **kept) == 2
    assert told(found, "tmws_cache_hits_total", cache="answers") == 2
    assert told(found, "tmws_tokens_total", what="used") > 0
    assert sum(n for (name, _), n in found.items() if name == "tmws_match_seconds_count") == 1
    assert told(found, "tmws_store_seconds_count", connection="writer") >= 1
    search = {"method": "POST", "route": "/api/v1/memories/search", "status": "200"}
    assert told(found, "tmws_http_request_seconds_count", **search) == 1
    nothing = {"method": "GET", "route": "other", "status": "404"}
    assert told(found, "tmws_http_request_seconds_count", **nothing) == 1
    assert told(found, "tmws_store_bytes") > 0


async def test_each_figure_that_a_server_tells_is_listed_and_each_listed_can_be_told(
    client: httpx2.AsyncClient,
) -> None:
    await client.post("/api/v1/memories/search", json={})

    reply = await client.get("/metrics")  # a name or a label that is not listed fails it
    listed = {told.name(name) for name, told in METRICS.items()}
    everything = [
        Sample(name, tuple((label, "x") for label in told.labels), 1, (0,) * 18)
        for name, told in METRICS.items()
    ]

    assert reply.status_code == 200
    all_told = families({"1": [one for one in everything if not METRICS[one.name].of_store]},
                        [one for one in everything if METRICS[one.name].of_store])  # fmt: skip
    assert {f.name + ("_total" if f.type == "counter" else "") for f in all_told[1:]} == listed


async def test_figures_of_openmetrics_are_told_where_they_are_asked_for(
    client: httpx2.AsyncClient,
) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}

    reply = await client.get("/metrics", headers=accept)

    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.text.endswith("# EOF\n")


def test_times_are_told_in_buckets_that_add_up() -> None:
    measures = Measures()
    for seconds in (0.0001, 0.003, 0.003, 99.0):
        measures.time("store", seconds, connection="writer")

    [_, family] = families({"1": measures.samples()}, [])

    by_bound = {s.labels["le"]: s.value for s in family.samples if s.name.endswith("_bucket")}
    assert (by_bound["0.0001"], by_bound["0.0025"], by_bound["0.005"]) == (1, 1, 3)
    assert (by_bound["30.0"], by_bound["+Inf"]) == (3, 4)
    assert len(by_bound) == len(BOUNDS_SECONDS) + 1


def test_no_more_series_are_kept_than_there_is_room_for() -> None:
    measures = Measures()
    for number in range(SERIES_MAX + 5):
        measures.count("tokens", what=f"w{number}")
        measures.time("store", 1.0, connection=f"c{number}")

    assert len(measures.samples()) == SERIES_MAX
