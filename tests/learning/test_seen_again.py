"""That something was seen again is noted once a minute; the counts move each time."""

from typing import Any

from tests.learning.desk import NOW, observed
from tmws_mcp.store import learned, tasks
from tmws_mcp.store.driver import Connection, Row
from tmws_mcp.store.observations import HISTORY_MAX


def tell(db: Connection, now: float, **told: Any) -> None:
    observed(db, now=now, session_id="s", task="fix the parser", **told)


def seen(db: Connection) -> list[Row]:
    return db.rows("SELECT last_at FROM task UNION ALL SELECT last_at FROM learned")


def test_a_task_and_its_pattern_are_noted_again_after_a_minute(db: Connection) -> None:
    minute = tasks.SEEN_SECONDS
    assert minute == learned.SEEN_SECONDS
    tell(db, NOW, tool_used="edit")

    tell(db, NOW + minute - 1, tool_used="edit")
    assert seen(db) == [(NOW,)] * 2
    tell(db, NOW + minute, tool_used="edit")
    assert seen(db) == [(NOW + minute,)] * 2

    assert db.rows("SELECT n FROM outcome WHERE kind = 'task_tool'") == [(3,)]


def test_observations_without_a_tool_push_no_step_out_of_the_history(db: Connection) -> None:
    tell(db, NOW, tool_used="build", success=False, error="no such file")
    for second in range(HISTORY_MAX):
        tell(db, NOW + second, method="fast")
    tell(db, NOW + HISTORY_MAX, tool_used="configure")

    assert [row[0] for row in db.rows("SELECT position FROM step ORDER BY id")] == list(
        range(HISTORY_MAX + 2)
    )
    repairs = "SELECT action, ok FROM outcome WHERE kind = 'repair' AND key = '*'"
    assert db.rows(repairs) == [("configure", 1)]
