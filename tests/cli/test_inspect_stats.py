"""What was executed and kept, as the inspector shows it."""

import json
from contextlib import suppress

import anyio

from tmws_mcp.engine import open_engine
from tmws_mcp.errors import TmwsError
from tmws_mcp.settings import Settings


def test_figures_of_executions_are_shown(tmws):
    before = tmws("inspect", "stats")
    asked = tmws("inspect", "call", "pattern_execute", '{"query": "health"}')

    shown, told = tmws("inspect", "stats"), tmws("inspect", "stats", "--json")

    assert "Nothing was executed yet" in before.stdout
    assert asked.exit_code == shown.exit_code == 0
    assert "infrastructure.health" in shown.stdout
    [one] = json.loads(told.stdout)["patterns"]
    assert (one["pattern"], one["runs"]) == ("infrastructure.health", 1)


def test_caches_are_shown(tmws):
    before = tmws("inspect", "cache")
    tmws("inspect", "call", "pattern_execute", '{"query": "health"}')

    shown, told = tmws("inspect", "cache"), tmws("inspect", "cache", "--json")

    assert (before.exit_code, before.stdout) == (3, "Nothing was executed yet.\n")
    assert (shown.exit_code, "routes" in shown.stdout) == (0, True)
    assert "routes" in {one["name"] for one in json.loads(told.stdout)}


async def answered(queries):
    """Answer queries one after the other in one process, as a server does."""
    async with open_engine(Settings.load()) as engine:
        for query in queries:
            with suppress(TmwsError):
                await engine.pattern_execute({"query": query})


def test_what_was_kept_is_told_by_the_layer_that_kept_it(stored):
    anyio.run(answered, ["what did we decide about the port"] * 3)

    shown = stored("inspect", "cache")
    [one] = json.loads(stored("inspect", "stats", "--json").stdout)["patterns"]

    assert "Answers given again, by the layer that kept them" in shown.stdout
    assert one["kept"] == sum(one["kept_by"].values()) == 2


def test_a_pattern_that_fails_has_its_failures_and_an_alert(tmws, tmp_path, monkeypatch):
    file = tmp_path / "mine" / "infrastructure" / "broken.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "id: infrastructure.broken\nroute: infrastructure\nsummary: It divides by nothing\n"
        "triggers: {exact: [divide]}\nexamples: {match: [divide]}\n"
        "steps: [{name: sum, action: calculate.value, with: {expression: 1/0}}]\n"
    )
    monkeypatch.setenv("TMWS_PATTERN_DIRS", str(tmp_path / "mine"))
    anyio.run(answered, ["divide"] * 24)

    shown = tmws("inspect", "stats")

    [one] = json.loads(tmws("inspect", "stats", "--json").stdout)["patterns"]
    assert (one["runs"], one["failed"]) == (24, 24)
    assert "critical: infrastructure.broken (infrastructure): 24 of 24 runs failed" in shown.stdout
