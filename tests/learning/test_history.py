"""How what was learned has moved from day to day."""

import json
from pathlib import Path

from tests.learning.desk import NOW, SCOPE, observed
from tmws_mcp.learning import history, learned
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.learning.words import task_key
from tmws_mcp.model import LearnedFilter
from tmws_mcp.store import driver, migrations
from tmws_mcp.store import history as days
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.schema import s0001_first

DAY = history.DAY_SECONDS


def test_each_day_keeps_how_the_counts_stood_at_its_end(db: Connection) -> None:
    for day, runs in enumerate((2, 1, 3)):
        for number in range(runs):
            observed(db, now=NOW + day * DAY + number, task="Build", tool_used="make")
    observed(db, now=NOW + 2 * DAY + 9, task="Build", tool_used="make", success=False)

    [one] = learned.learned_patterns(db, SCOPE, LearnedFilter())
    found = learned.learned_pattern(db, one.pattern_id, SCOPE).history

    assert [(was.support, was.successes) for was in found] == [(2, 2), (3, 3), (7, 6)]
    assert [was.day for was in found] == ["2026-09-21", "2026-09-22", "2026-09-23"]
    assert one.history == ()


def test_two_days_differ_in_what_was_counted_between_them(db: Connection) -> None:
    today = history.day_of(NOW)
    observed(db, now=NOW, task="Build", tool_used="make")
    observed(db, now=NOW + DAY, task="Build", tool_used="make")
    observed(db, now=NOW + DAY, task="Test", tool_used="pytest")

    moved = days.between(db, 1, today, today + 1, 10)

    found = {(one.before.n if one.before else None, one.after.n) for one in moved}
    assert found == {(1, 2), (None, 1)}
    assert days.between(db, 1, today + 1, today + 5, 10) == ()


def test_patterns_of_an_older_store_are_shown_and_have_a_history_from_now_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old.db"
    path.touch()
    db = driver.connect(path)
    driver.for_writing(db, "normal")
    s0001_first.apply(db)
    db.rows("PRAGMA user_version = 1")
    made = {"task_key": task_key("Build"), "task": "Build", "tool": "make"}
    name = pattern_id("tool_usage", made)
    db.run("INSERT INTO namespace(name, created_at) VALUES ('team', 0)")
    db.run("INSERT INTO learned VALUES (1, ?, 'tool_usage', ?, 0, 0)", (name, json.dumps(made)))
    db.run(
        "INSERT INTO outcome(ns, kind, key, action, actor, seq, n, ok, last_at) VALUES "
        "(1, 'task_tool', ?, 'make', (SELECT value FROM meta WHERE key = 'actor'), 1, 4, 3, 0)",
        (made["task_key"],),
    )

    migrations.migrate(db, path)

    [one] = learned.learned_patterns(db, SCOPE, LearnedFilter())
    assert (one.pattern_id, one.evidence.support, one.version) == (name, 4, 1)
    observed(db, now=NOW, task="Build", tool_used="make")
    found = learned.learned_pattern(db, name, SCOPE).history
    assert [(was.support, was.successes) for was in found] == [(5, 4)]
    db.close()


def test_old_days_are_dropped(db: Connection) -> None:
    observed(db, now=NOW, task="Build", tool_used="make")
    observed(db, now=NOW + DAY, task="Build", tool_used="make")

    assert history.prune(db, NOW + days.DAYS_MAX * DAY) == 0
    assert history.prune(db, NOW + (days.DAYS_MAX + 1) * DAY) == 1


def test_listing_takes_filters(db: Connection) -> None:
    observed(db, now=NOW, task="Build", tool_used="make")
    for number in range(3):
        observed(db, now=NOW + DAY + number, task="Test", tool_used="pytest")
    observed(db, now=NOW + DAY, tool_used="make", success=False, error="no rule")
    observed(db, now=NOW + DAY, tool_used="configure")

    def listed(**wanted: object) -> set[str]:
        found = learned.learned_patterns(db, SCOPE, LearnedFilter.model_validate(wanted))
        return {one.summary.split(":")[0] for one in found}

    assert listed(kind="error_recovery") == {"when make fails with 'no rule', call configure"}
    assert listed(tool="make") == {
        'for tasks like "Build" use make', "when make fails with 'no rule', call configure",
    }  # fmt: skip
    assert listed(min_support=2) == {'for tasks like "Test" use pytest'}
    assert len(listed(since="2026-09-22")) == 2
    assert len(listed(limit=1)) == 1
