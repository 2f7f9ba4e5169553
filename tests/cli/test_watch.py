"""`inspect watch` shows what others do on the local store, as they do it."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from tests.web.served import served
from tmws_mcp.engine import open_engine
from tmws_mcp.settings import Settings

STEP = {"task": "ship", "tool_used": "pytest", "success": True}
WATCH = ("inspect", "watch", "--seconds", "30")


@contextmanager
def somebody_working(**more: object) -> Iterator[None]:
    """Observe now and then, from an engine of its own, until the block ends."""
    done = threading.Event()

    async def work() -> None:
        async with open_engine(Settings.load()) as engine:
            while not done.is_set():
                await engine.observe_interaction({**STEP, **more})
                await anyio.sleep(0.1)

    worker = threading.Thread(target=lambda: anyio.run(work))
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join(20)
        assert not worker.is_alive()


def test_what_another_process_observes_is_shown_for_people_and_programs(tmws):
    with somebody_working():
        shown = tmws(*WATCH, "--limit", "2")
        told = tmws(*WATCH, "--limit", "2", "--kind", "observed", "--json")

    assert (shown.exit_code, told.exit_code) == (0, 0)
    assert "observed" in shown.stdout
    assert "tool pytest" in shown.stdout
    events = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(one["kind"], one["namespace"]) for one in events] == [("observed", "test")] * 2


def test_other_namespaces_are_shown_where_they_are_asked_for(tmws):
    with somebody_working(namespace="elsewhere"):
        named = tmws(*WATCH, "--limit", "1", "--namespace", "elsewhere", "--json")
        everything = tmws(*WATCH, "--limit", "1", "--namespace", "*", "--json")
        nothing = tmws("inspect", "watch", "--seconds", "0.7")

    assert json.loads(named.stdout.splitlines()[0])["namespace"] == "elsewhere"
    assert json.loads(everything.stdout.splitlines()[0])["namespace"] == "elsewhere"
    assert (nothing.exit_code, nothing.stdout) == (3, "")


def test_a_person_is_told_what_is_waited_for_and_how_to_end_it(tmws, monkeypatch):
    monkeypatch.setenv("TMWS_USER_NAMESPACE", "shared")
    briefly = ("inspect", "watch", "--seconds", "0.1")

    assert tmws(*briefly).stderr == "Waiting for what happens in test, shared; Ctrl-C ends it.\n"
    kinds = tmws(*briefly, "--namespace", "*", "--kind", "learned", "--kind", "alert")
    assert "for learned, alert in all namespaces;" in kinds.stderr
    told = tmws(*briefly, "--json")
    assert (told.stdout, told.stderr) == ("", "")


@contextmanager
def a_server_at_work() -> Iterator[str]:
    """Serve over HTTP and observe now and then, until the block ends; gives the URL."""
    urls: queue.Queue[str] = queue.Queue()
    done = threading.Event()

    async def work() -> None:
        async with served(Settings.load()) as server:
            urls.put(f"{server.url}/mcp")
            engine = await server.app.state.engine.get()
            while not done.is_set():
                await engine.observe_interaction(STEP)
                await anyio.sleep(0.1)

    worker = threading.Thread(target=lambda: anyio.run(work))
    worker.start()
    try:
        yield urls.get(timeout=20)
    finally:
        done.set()
        worker.join(20)


def test_a_server_is_watched_by_its_url(tmws):
    with a_server_at_work() as url:
        told = tmws(*WATCH, "--limit", "2", "--kind", "observed", "--json", "--url", url)
        shown = tmws(*WATCH, "--limit", "1", "--url", url)
        refused = tmws(*WATCH, "--url", url.replace("/mcp", "/other/mcp"))
    away = tmws(*WATCH, "--url", url)

    assert told.exit_code == 0
    assert [json.loads(line)["data"]["tool"] for line in told.stdout.splitlines()] == ["pytest"] * 2
    assert shown.stderr == f"Waiting for what happens at {url}; Ctrl-C ends it.\n"
    assert (refused.exit_code, away.exit_code) == (1, 1)
    assert "could not be watched" in refused.stderr
    assert "could not be watched" in away.stderr


def test_an_unknown_kind_is_refused_with_those_that_there_are(tmws):
    result = tmws(*WATCH, "--kind", "observd")

    assert result.exit_code == 2
    assert "kinds.0" in result.stderr
    assert "recommended" in result.stderr
