"""`inspect watch` shows what others do on the local store, as they do it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

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


def test_an_unknown_kind_is_refused_with_those_that_there_are(tmws):
    result = tmws(*WATCH, "--kind", "observd")

    assert result.exit_code == 2
    assert "'observd'" in result.stderr
    assert "recommended" in result.stderr
