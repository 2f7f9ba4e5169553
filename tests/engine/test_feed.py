"""Whoever watches hears what happens, in every process on the store, and of what was missed."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import anyio
import pytest

from tmws_mcp.engine import Engine, feed, open_engine
from tmws_mcp.engine.feed import Watcher
from tmws_mcp.errors import NothingRan
from tmws_mcp.model.events import Event
from tmws_mcp.settings import Settings
from tmws_mcp.store import events, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.events import KEPT_MAX, KEPT_SECONDS, Told
from tmws_mcp.store.lease import LEASE_SECONDS

pytestmark = pytest.mark.anyio

STEP = {"task": "ship", "tool_used": "pytest", "execution_time": 1.5, "success": True}
ASKED = {"query": "what is the time"}
NOW = 1_700_000_000.0


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Engine]:
    """Another process on the same store: what it tells comes through the file alone."""
    async with open_engine(settings) as opened:
        yield opened


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "tmws.db") as opened:
        await opened.write(namespaces.ensure, "here", NOW)
        yield opened


async def heard(watcher: Watcher, n: int) -> list[Event]:
    found: list[Event] = []
    with anyio.fail_after(10):
        while len(found) < n:
            found += await watcher.more()
    return found


async def test_a_watcher_hears_what_another_process_does(engine: Engine, other: Engine) -> None:
    watcher = await engine.feed.watch(["here"])

    await other.observe_interaction(STEP)
    await other.get_recommendations({"task": "ship"})
    await other.pattern_execute(ASKED)

    observed, learned, recommended, executed = await heard(watcher, 4)
    assert (observed.kind, observed.data["tool"], observed.data["success"]) == (
        "observed", "pytest", True,
    )  # fmt: skip
    assert (learned.kind, learned.data["kind"]) == ("learned", "tool_usage")
    [action] = recommended.data["recommendations"]  # type: ignore[misc,union-attr]
    assert action["action"] == "pytest"  # type: ignore[index,call-overload]
    assert (executed.kind, executed.data["route"]) == ("executed", "infrastructure")
    assert [one.number for one in (observed, learned, recommended, executed)] == [1, 2, 3, 4]


@pytest.fixture
def broken(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a pattern that always fails."""
    folder = tmp_path / "mine" / "infrastructure"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text(
        "id: infrastructure.broken\nroute: infrastructure\nsummary: Fails\n"
        "triggers: {exact: [fail now]}\nexamples: {match: [fail now]}\n"
        "steps: [{name: sum, action: calculate.value, with: {expression: '1/0'}}]\n"
    )
    return settings.model_copy(update={"pattern_dirs": (tmp_path / "mine",)})


async def test_what_failed_is_told_by_name_and_raises_an_alert_once(
    broken: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "ALERTS_SECONDS", 0.0)
    async with open_engine(broken) as engine:
        await engine.observe_interaction(STEP)
        watcher = await engine.feed.watch(["here"])
        everything = await engine.feed.watch(None, ["alert"])
        for _ in range(30):
            with pytest.raises(NothingRan):
                await engine.pattern_execute({"query": "fail now"})

        failures = await heard(watcher, 30)
        [alert] = await heard(everything, 1)
        with anyio.move_on_after(1) as waited:
            await heard(everything, 1)

    assert {(one.kind, str(one.data)) for one in failures} == {
        ("executed", "{'error': 'NothingRan'}")
    }
    assert (alert.namespace, alert.kind) == ("", "alert")
    assert "30 of 30 runs failed" in str(alert.data["alert"])
    assert waited.cancelled_caught


async def test_no_event_holds_what_somebody_wrote(engine: Engine) -> None:
    watcher = await engine.feed.watch(["here"])

    await engine.observe_interaction({**STEP, "task": "secret plan", "error": "boom 4711"})
    await engine.get_recommendations({"task": "secret plan", "turn": "say it"})
    await engine.pattern_execute({"query": "what did we say of the secret plan"})
    told = await heard(watcher, 3)

    said = " ".join(event.model_dump_json() for event in told)
    assert not [word for word in ("secret", "plan", "4711", "say it") if word in said]


async def test_a_watcher_hears_of_its_namespaces_and_kinds_alone(engine: Engine) -> None:
    await engine.observe_interaction({**STEP, "namespace": "there"})
    watcher = await engine.feed.watch(["here"], ["observed"])
    everywhere = await engine.feed.watch(None)

    await engine.observe_interaction({**STEP, "namespace": "there"})
    await engine.observe_interaction(STEP)

    assert {one.namespace for one in await heard(everywhere, 4)} == {"here", "there"}
    assert [(one.namespace, one.kind) for one in await heard(watcher, 1)] == [("here", "observed")]


async def test_where_nobody_watches_nothing_is_written(engine: Engine) -> None:
    await engine.observe_interaction(STEP)
    opened = await engine._opened()

    await engine.feed.write_down(opened)

    assert engine.feed.waiting == 0
    assert await opened.read(_rows) == 0


async def test_as_long_as_nobody_writes_nobody_is_asked_whether_somebody_watches(
    store: Database,
) -> None:
    async with anyio.create_task_group() as tasks:  # no engine, whose upkeep writes when it likes
        told = feed.Feed(tasks, store=partial(_ready, store), alerts=_no_alerts, clock=lambda: NOW)
        told.tell("executed", "here", dict)
        await told.write_down(store)
        calls = store.use.calls

        told.tell("executed", "here", dict)
        await told.write_down(store)
        unasked = store.use.calls
        watcher = await told.watch(["here"])
        told.tell("executed", "here", dict)

        assert unasked == calls
        assert [event.kind for event in await heard(watcher, 1)] == ["executed"]
        tasks.cancel_scope.cancel()


async def _ready(store: Database) -> Database:
    return store


async def _no_alerts() -> list[str]:
    return []


async def test_a_process_that_ends_at_once_has_told_all(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        watcher = await engine.feed.watch(["here"])
        async with open_engine(settings) as short:  # as that of a hook
            await short.observe_interaction(STEP)

        kinds = [event.kind for event in await heard(watcher, 2)]

    assert kinds == ["observed", "learned"]


async def test_what_a_process_cannot_keep_is_told_as_lost(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "WAITING_MAX", 3)
    await engine.observe_interaction(STEP)
    watcher = await engine.feed.watch(["here"])

    for number in range(10):
        engine.feed.tell("executed", "here", lambda number=number: {"n": number})  # type: ignore[misc]
    lost, *rest = await heard(watcher, 4)

    assert (lost.kind, lost.data) == ("lost", {"events": 7})
    assert [event.data["n"] for event in rest] == [7, 8, 9]


def _rows(db: Connection) -> int:
    row = db.row("SELECT count(*) FROM event")
    assert row is not None
    return int(row[0])


def some(n: int, at: float = NOW, namespace: str = "here") -> list[Told]:
    return [Told(namespace, "executed", at, {"n": i}) for i in range(n)]


async def test_a_slow_watcher_loses_events_and_is_told_how_many(store: Database) -> None:
    for _ in range(3):
        await store.write(events.append, some(KEPT_MAX), {})

    [first, *rest] = await store.read(events.after, {"here": 10}, ["here"], 2 * KEPT_MAX, NOW)

    assert first.lost == 3 * KEPT_MAX - KEPT_MAX - 10
    assert len(rest) == KEPT_MAX - 1
    assert not any(one.lost for one in rest)
    assert await store.read(_rows) == KEPT_MAX


async def test_events_that_nobody_read_in_a_minute_are_dropped_and_told(store: Database) -> None:
    await store.write(events.append, some(5), {})
    await store.write(events.tidy, NOW + KEPT_SECONDS + 1)

    found = await store.read(events.after, {"here": 1}, ["here"], 100, NOW)

    assert [(one.told.kind, one.number, one.lost) for one in found] == [("lost", 5, 4)]


async def test_numbers_stay_in_order_where_clocks_do_not(store: Database) -> None:
    await store.write(events.append, some(1, NOW + 9), {})
    await store.write(events.append, some(1, NOW), {})

    found = await store.read(events.after, {}, None, 100, NOW)

    assert [one.number for one in found] == [1, 2]


async def test_a_namespace_that_is_none_yet_gets_no_events(store: Database) -> None:
    await store.write(events.append, some(3, namespace="nowhere"), {"elsewhere": 2})

    assert await store.read(events.after, {}, None, 100, NOW) == []


async def test_that_somebody_watches_lapses_by_itself(store: Database) -> None:
    await store.write(events.watch, ["here"], NOW)

    assert await store.read(events.is_watched, NOW + LEASE_SECONDS - 1)
    assert not await store.read(events.is_watched, NOW + LEASE_SECONDS + 1)
