"""`/metrics` for Prometheus: what each process of the server has done, and how the store stands.

A request reaches one process of several, so that each puts its figures into a folder now and then
(web/workers.py), and the one that is asked tells them all, by the label `worker`. To add a figure,
measure it under a name and name that in `METRICS`; `make docs` writes the page.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tmws_mcp import __version__
from tmws_mcp.engine import Engine
from tmws_mcp.errors import TmwsError
from tmws_mcp.measures import BOUNDS_SECONDS, Labels, Sample
from tmws_mcp.server.access import access_of, require
from tmws_mcp.telemetry import get_logger
from tmws_mcp.web.workers import TELL_SECONDS, Worker

PREFIX = "tmws_"
WORKER = "worker"
ALONE = "1"
"""The worker of a server that is one process."""

router = APIRouter()
log = get_logger("web")


@dataclass(frozen=True, slots=True)
class Told:
    """A figure: how it is told, and what it means."""

    kind: Literal["sum", "times", "level"]
    labels: tuple[str, ...]
    means: str
    of_store: bool = False
    """The same whichever process tells it: it has no label `worker`."""

    def name(self, measured: str) -> str:
        """Return the name by which Prometheus knows what was measured."""
        return PREFIX + measured + {"sum": "_total", "times": "_seconds", "level": ""}[self.kind]


METRICS: Mapping[str, Told] = {
    "execution": Told(
        "times", ("route", "kept"),
        "executions of patterns, by route, and by the layer that kept the answer or `made`",
    ),
    "execution_errors": Told("sum", ("route",), "executions that brought nothing but an error"),
    "match": Told("times", ("by",), "matching a query to a pattern, by what matched"),
    "tokens": Told("sum", ("what",), "tokens of replies `used`, and `saved` against all steps"),
    "tool": Told(
        "times", ("tool", "outcome"),
        "calls of MCP tools: `ok`, `refused` with a reason, or `failed` by a bug",
    ),
    "http_request": Told("times", ("method", "route", "status"), "HTTP requests"),
    "http_response_bytes": Told("sum", ("route",), "bytes sent"),
    "cache_hits": Told("sum", ("cache",), "answers, routes and matches that were at hand"),
    "cache_misses": Told("sum", ("cache",), "those that were not"),
    "cache_entries": Told("level", ("cache",), "how many a cache holds"),
    "cache_bytes": Told("level", ("cache",), "how large it is"),
    "store": Told("times", ("connection",), "work on the store's connections"),
    "store_wait": Told("times", ("connection",), "waiting for one"),
    "calls_at_work": Told("level", (), "calls at work"),
    "calls_waiting": Told("level", (), "calls that wait for their turn"),
    "waiting": Told("level", ("queue",), "events and counts that are not written yet"),
    "sockets": Told("level", (), "WebSockets that are told what happens"),
    "streams": Told("level", (), "MCP clients that listen"),
    "redis_up": Told(
        "level", ("use", "namespace"), "1: Redis answers; for `answers` in each worker"
    ),
    "process_memory_bytes": Told("level", (), "resident memory (Linux)"),
    "process_cpu": Told("sum", (), "seconds of processor time (Linux)"),
    "process_open_fds": Told("level", (), "open files and connections (Linux)"),
    "store_bytes": Told("level", (), "size of the store's files", of_store=True),
    "vectors_missing": Told(
        "level", (), "memories that have no vector of this embedder yet", of_store=True
    ),
    "alerts": Told("level", ("level",), "figures past their thresholds", of_store=True),
    "routing_judged": Told(
        "level", (), "executions of the last 7 days that an observation judged", of_store=True
    ),
    "routing_accuracy": Told(
        "level", (), "share of them that helped; absent where none was judged", of_store=True
    ),
    "federation_waiting": Told(
        "level", ("namespace",), "own changes that the hub has not acknowledged", of_store=True
    ),
    "federation_behind": Told(
        "level", ("namespace",), "changes of others that are not known here yet", of_store=True
    ),
    "federation_lag_seconds": Told(
        "level", ("namespace",), "how long ago the oldest of them was shared", of_store=True
    ),
    "federation_peers": Told("level", ("namespace",), "instances that are known", of_store=True),
    "federation_apart": Told(
        "level", ("namespace",), "instances whose digests differ at the moment", of_store=True
    ),
    "federation_slots": Told("level", ("namespace",), "slots of all instances", of_store=True),
    "federation_bytes": Told("level", ("namespace",), "their keys and bodies", of_store=True),
    "federation_evidence": Told(
        "level", ("namespace", "whose"), "rows of evidence: `own`, or of `others`", of_store=True
    ),
}  # fmt: skip
"""Each figure by the name under which it is measured."""


def families(by_worker: Mapping[str, Iterable[Sample]], of_store: Iterable[Sample]) -> list[Metric]:
    """Return all figures in Prometheus' terms; one that is not in METRICS is a bug of ours."""
    found: dict[str, list[tuple[Labels, Sample]]] = defaultdict(list)
    for worker, samples in by_worker.items():
        for one in samples:
            found[one.name].append(((*one.labels, (WORKER, worker)), one))
    for one in of_store:
        found[one.name].append((one.labels, one))
    info = GaugeMetricFamily(f"{PREFIX}info", "Always 1.", labels=["version"])
    info.add_metric([__version__], 1)
    return [info, *(_family(name, METRICS[name], found[name]) for name in METRICS if name in found)]


def _family(name: str, told: Told, samples: Sequence[tuple[Labels, Sample]]) -> Metric:
    labels = list(told.labels if told.of_store else (*told.labels, WORKER))
    full, means = told.name(name), told.means
    if told.kind == "times":
        times = HistogramMetricFamily(full, means, labels=labels)
        for pairs, one in samples:
            times.add_metric(_values(labels, pairs), list(_buckets(one)), one.total)
        return times
    kind = CounterMetricFamily if told.kind == "sum" else GaugeMetricFamily
    family = kind(full, means, labels=labels)
    for pairs, one in samples:
        family.add_metric(_values(labels, pairs), one.total)
    return family


def _values(labels: Sequence[str], pairs: Labels) -> list[str]:
    given = dict(pairs)
    assert given.keys() <= set(labels), f"{given} has a label that METRICS does not name"
    return [given.get(label, "") for label in labels]


def _buckets(one: Sample) -> Iterator[tuple[str, float]]:
    bounds = (*map(str, BOUNDS_SECONDS), "+Inf")
    yield from zip(bounds, accumulate(one.buckets), strict=True)


class Gathered(Collector):
    """Figures that were gathered already."""

    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._found


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Tell all figures in the format of Prometheus, or of OpenMetrics where that is asked for."""
    require(access_of(request), "read", everywhere=True)
    engine: Engine = await request.app.state.engine.get()
    found = families(await _of_workers(request.app), await engine.standing())
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(Gathered(found)), media_type=media_type)


async def _of_workers(app: FastAPI) -> Mapping[str, Sequence[Sample]]:
    """Return the figures of each process: of this one as they are, of others as last put down."""
    own, worker = await samples_of(app), app.state.worker
    if worker is None:
        return {ALONE: own}
    return await anyio.to_thread.run_sync(_exchanged, worker, own)


def _exchanged(worker: Worker, own: Sequence[Sample]) -> Mapping[str, Sequence[Sample]]:
    worker.put(own)
    return worker.all()


@asynccontextmanager
async def put_down(app: FastAPI) -> AsyncIterator[None]:
    """Have this process put its figures down now and then, where it is one of several."""
    worker = app.state.worker
    if worker is None:
        yield
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_put_down, app, worker)
        yield
        tasks.cancel_scope.cancel()


async def _put_down(app: FastAPI, worker: Worker) -> None:
    while True:
        await anyio.sleep(TELL_SECONDS)
        try:
            await anyio.to_thread.run_sync(worker.put, await samples_of(app))
        except (TmwsError, OSError) as error:
            log.info("figures.not_put_down", error=type(error).__name__)


async def samples_of(app: FastAPI) -> list[Sample]:
    """Return the figures of this process."""
    state = app.state
    engine: Engine = await state.engine.get()
    levels = {
        "calls_at_work": state.limits.at_work,
        "calls_waiting": state.limits.waiting,
        "sockets": len(state.watching),
        "streams": state.draining.streams,
    }
    return [
        *state.engine.measures.samples(),
        *await engine.measured(),
        *(Sample(name, (), n) for name, n in levels.items()),
        *_of_process(),
    ]


def _of_process() -> Iterator[Sample]:
    names = {
        "process_resident_memory_bytes": "process_memory_bytes",
        "process_cpu_seconds": "process_cpu",
        "process_open_fds": "process_open_fds",
    }
    for family in ProcessCollector(registry=None).collect():
        if family.name in names:
            yield Sample(names[family.name], (), family.samples[0].value)
