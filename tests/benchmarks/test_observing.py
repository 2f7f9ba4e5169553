"""The benchmark of observing fills a real store, and asks it here and through a real server."""

from itertools import chain
from pathlib import Path

import pytest

from benchmarks import observing
from benchmarks.sessions import Interaction, made_up_sessions
from tmws_mcp import open_engine
from tmws_mcp.model.learning import INTERACTIONS_MAX

pytestmark = pytest.mark.anyio


def test_a_store_is_filled_by_whole_sessions_in_calls_as_large_as_may_be() -> None:
    longest = max(len(session) for session, _ in zip(made_up_sessions(), range(200), strict=False))

    *batches, last = observing.batches(made_up_sessions(), 2_000)

    assert all(INTERACTIONS_MAX - longest < len(batch) <= INTERACTIONS_MAX for batch in batches)
    assert all("outcome" in batch[-1] for batch in (*batches, last))
    names = [{one["session_id"] for one in batch} for batch in (*batches, last)]
    assert len(set(chain(*names))) == sum(map(len, names))
    assert 0 <= sum(map(observing.steps_in, (*batches, last))) - 2_000 < longest


async def test_what_fills_a_store_is_told_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(observing, "TOLD_EACH", 400)
    async with open_engine(observing.Settings.load({"TMWS_HOME": str(tmp_path)})) as engine:
        filled = await observing.fill(engine, made_up_sessions(), 1_000)
        status = await engine.manage.observing()

    told = capsys.readouterr().err.splitlines()
    assert status.steps == filled
    assert len(told) == 2
    assert told[0].endswith(" ms of CPU each")
    assert " of 1,000 steps, " in told[0]


async def test_each_step_is_asked_about_before_it_is_observed() -> None:
    heard: list[tuple[str, Interaction]] = []

    async def call(name: str, step: Interaction) -> None:
        heard.append((name, step))

    names = (observing.TRANSACTION, observing.RECOMMEND, observing.OBSERVE)
    calls = {name: lambda step, name=name: call(name, step) for name in names}
    figures, steps = await observing.in_turns(calls, made_up_sessions(), 5)

    session = next(made_up_sessions())
    turns = [(name, step) for step in session[:-1] for name in names]
    last = [(name, session[-1]) for name in names if name != observing.RECOMMEND]
    assert heard[: len(turns) + 2] == turns + last  # nothing is asked before the end of a session
    assert steps == sum(name == observing.RECOMMEND for name, _ in heard) >= 4
    assert {*names, "recommend_ratio", "observe_ratio"} == set(figures)


async def test_the_figures_are_of_a_real_store_and_a_real_server() -> None:
    figures = await observing.run([60], calls=10)

    parts = figures["60"]
    assert parts["store"]["bytes_each"] > 0
    assert parts["over stdio"]["resident_mb"] > 0
    for baseline, of in (("empty transaction", "in process"), ("bare round trip", "over stdio")):
        assert parts[of][baseline]["p50_ms"] > 0
        assert parts[of]["observe"]["p95_ms"] >= parts[of]["observe"]["p50_ms"] > 0
    inside, outside, store = map(str, observing.tables(figures))
    assert "empty transaction" in inside
    assert "bare round trip" in outside
    assert "bytes_each" in store
