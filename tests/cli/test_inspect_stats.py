"""What was executed and kept, as the inspector shows it."""

import json


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
    tmws("inspect", "call", "pattern_execute", '{"query": "health"}')

    shown, told = tmws("inspect", "cache"), tmws("inspect", "cache", "--json")

    assert "routes" in shown.stdout
    assert "routes" in {one["name"] for one in json.loads(told.stdout)}
