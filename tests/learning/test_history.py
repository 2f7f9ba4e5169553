"""How what was learned has moved from day to day."""

from tests.learning.desk import NOW, SCOPE, observed
from tmws_mcp.learning import history, learned
from tmws_mcp.model import LearnedFilter
from tmws_mcp.store import history as days
from tmws_mcp.store.driver import Connection

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
