"""Runs of thousands of steps: counted in parts, at the same cost for each step."""

import pytest

from tests.learning.desk import counts, observed
from tmws_mcp.learning import runs
from tmws_mcp.store import observations
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.observations import Session


def test_a_long_run_is_counted_before_its_end(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "COUNTED_AT_ONCE_MAX", 5)
    for _ in range(5):
        observed(db, tool_used="read")

    assert db.rows("SELECT count(*) FROM step WHERE counted = 0") == [(0,)]
    assert counts(db)[0] != []


def test_a_long_run_is_looked_through_only_now_and_then(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    look = observations.uncounted

    def counting(db: Connection, session: Session, run: int) -> int:
        looked.append(run)
        return look(db, session, run)

    monkeypatch.setattr(runs, "COUNTED_AT_ONCE_MAX", 10)
    monkeypatch.setattr(observations, "uncounted", counting)
    for _ in range(40):
        observed(db, tool_used="read")

    assert len(looked) == 2 * 4  # whether a part is due, and then what of it


def test_a_run_that_has_only_begun_waits_although_its_session_is_long(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "COUNTED_AT_ONCE_MAX", 10)
    for _ in range(7):
        observed(db, tool_used="read")
    observed(db, outcome="success")
    for _ in range(3):
        observed(db, tool_used="edit")

    assert db.rows("SELECT count(*) FROM step WHERE counted = 0") == [(3,)]


def test_a_late_step_far_back_in_a_long_run_is_counted(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "COUNTED_AT_ONCE_MAX", 5)
    monkeypatch.setattr(runs, "HISTORY_MAX", 2)
    for number in range(1, 21):
        observed(db, session_id="s", step=number, tool_used="read")
    observed(db, session_id="s", step=0, tool_used="early")
    observed(db, session_id="s", outcome="success")

    first = db.rows("SELECT sum(n) FROM context WHERE kind = 'ngram' AND action = 'early'")
    assert first == [(2,)]  # in no context, and after the beginning
