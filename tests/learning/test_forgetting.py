"""What was learned can be forgotten, brought back for a while, and is then gone."""

from pathlib import Path

import pytest

from tests.learning.desk import NOW, SCOPE, advised, observed
from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.learning import forgetting, learned, log, pausing, text
from tmws_mcp.model import LearnedFilter, ObserveRequest
from tmws_mcp.model.learned import ForgetLearnedReply, ForgetLearnedRequest
from tmws_mcp.store import forgetting as taking
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.tasks import word_key

DAY = 86_400.0
# Tables with a namespace that hold no observations.
OTHERS = {
    "memory", "memory_tag", "memory_search", "thread", "archive", "fingerprint", "segment",
    "search_index", "sketch", "generation", "forgotten", "observing_paused",
    "memory_change",
    # Which files were imported is forgotten with what was observed, and not kept for an undo.
    "imported",
    # Names and figures for those who watch, gone after a minute.
    "event", "event_head",
    # What was shared is forgotten everywhere or not at all: federation/replica.py does it.
    "link", "slot", "slot_base", "peer", "push_tag",
}  # fmt: skip


def story(db: Connection) -> None:
    for session in ("s1", "s2"):
        steps = [
            {"tool_used": "build", "success": False, "error": "no rule for 'x'"},
            {"tool_used": "configure"},
            {"tool_used": "build", "execution_time": 2.0, "tokens": 7},
        ]
        observed(
            db, session_id=session, task="Ship the zebra release", interactions=steps,
            outcome="success",
        )  # fmt: skip
        observed(db, session_id=f"other-{session}", task="Water plants", tool_used="hose")
        observed(db, session_id=f"other-{session}", task="Water plants", method="drip")
        observed(db, session_id=f"other-{session}", outcome="success")


def forget(db: Connection, **what: object) -> ForgetLearnedReply:
    request = ForgetLearnedRequest.model_validate(what)
    return forgetting.forget(db, request, SCOPE, NOW + 100)


def pattern(db: Connection, kind: str) -> str:
    wanted = LearnedFilter.model_validate({"kind": kind})
    return learned.learned_patterns(db, SCOPE, wanted)[0].pattern_id


def snapshot(db: Connection) -> dict[str, list[tuple]]:
    """All that was learned: without sequence numbers, keys of sessions and the step log."""
    return {
        "learned": db.rows("SELECT id, definition, slot_key FROM learned ORDER BY 1"),
        "history": db.rows("SELECT id, day, n, ok FROM learned_history ORDER BY 1, 2"),
        "outcome": db.rows(
            "SELECT kind, key, action, n, ok, tokens, metered, durations FROM outcome "
            "ORDER BY 1, 2, 3"
        ),
        "context": db.rows("SELECT kind, key, action, n FROM context ORDER BY 1, 2, 3"),
        "task": db.rows("SELECT hash, text FROM task ORDER BY 1"),
        "word": db.rows("SELECT word, tasks FROM word ORDER BY 1"),
        "run": db.rows(
            "SELECT hash, steps, outcome FROM run JOIN task ON task.id = task ORDER BY 1"
        ),
    }


def everywhere(db: Connection, word: str) -> list[str]:
    """Return the tables that hold a word."""
    found = []
    for (name,) in db.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        columns = [row[1] for row in db.rows(f"PRAGMA table_info({name})")]
        where = " OR ".join(f"CAST({column} AS TEXT) LIKE '%{word}%'" for column in columns)
        if db.rows(f"SELECT 1 FROM {name} WHERE {where} LIMIT 1"):
            found.append(name)
    return found


@pytest.mark.parametrize("kind", ["task_sequence", "tool_usage", "error_recovery"])
def test_one_pattern_is_forgotten_and_no_longer_recommended(db: Connection, kind: str) -> None:
    story(db)
    name = pattern(db, kind)

    reply = forget(db, pattern=name)

    assert reply.rows["learned patterns"] == 1
    with pytest.raises(NotFound):
        learned.learned_pattern(db, name, SCOPE)
    advice = advised(db, task="Ship the zebra release", want="workflow")
    if kind == "task_sequence":
        assert advice.abstained


def test_a_task_leaves_no_word_behind(db: Connection) -> None:
    story(db)
    assert "task" in everywhere(db, "zebra")
    for word in ("zebra", "plants"):  # as an expert of words counts them
        db.run(
            "INSERT INTO context(ns, kind, key, action, actor, seq, n) "
            "VALUES (1, 'task_word', ?, 'hose', 'me', 1, 1)",
            (word_key(word),),
        )

    forget(db, task="ship the  Zebra release", erase=True)

    assert everywhere(db, "zebra") == everywhere(db, word_key("zebra")) == []
    assert (word_key("plants"),) in db.rows("SELECT key FROM context WHERE kind = 'task_word'")
    assert advised(db, task="Water plants", want="next").recommendations


def test_a_tool_leaves_no_name_behind(db: Connection) -> None:
    story(db)

    forget(db, tool="configure", erase=True)

    assert everywhere(db, "configure") == []
    assert advised(db, task="Water plants", want="next").recommendations


def test_an_instance_takes_its_counts_with_it(db: Connection) -> None:
    story(db)
    [(me,)] = db.rows("SELECT value FROM meta WHERE key = 'actor'")
    db.run("UPDATE outcome SET actor = 'feed' WHERE action IN ('hose', 'drip')")
    name = pattern(db, "task_sequence")

    forget(db, actor="feed")

    assert db.rows("SELECT count(*) FROM outcome WHERE actor = 'feed'") == [(0,)]
    assert db.rows("SELECT count(*) FROM step") == [(10,)]
    assert learned.learned_pattern(db, name, SCOPE)
    assert all("hose" not in one.summary for one in every(db))
    forget(db, actor=me)
    assert db.rows("SELECT count(*) FROM step") == [(0,)]
    assert every(db) == ()


def every(db: Connection) -> tuple[learned.LearnedPattern, ...]:
    return learned.learned_patterns(db, SCOPE, LearnedFilter())


def test_all_of_a_namespace_goes_and_nothing_of_another(db: Connection) -> None:
    story(db)
    db.run("INSERT INTO namespace(name, created_at) VALUES ('elsewhere', 0)")
    db.run("INSERT INTO task(ns, hash, text, last_at) VALUES (2, 'h', 'kept', 0)")

    forget(db, everything=True, erase=True)

    for table in taking.TABLES:
        where = "" if table == "run" else " WHERE ns = 1"
        assert db.rows(f"SELECT count(*) FROM {table}{where}") == [(0,)], table
    assert db.rows("SELECT text FROM task") == [("kept",)]
    assert advised(db, task="Water plants").abstained


def test_every_table_with_a_namespace_is_thought_of(db: Connection) -> None:
    with_ns = {
        name
        for (name,) in db.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if any(row[1] == "ns" for row in db.rows(f"PRAGMA table_info({name})"))
    }

    assert with_ns - OTHERS <= set(taking.TABLES), "forgetting must know the new table"


@pytest.mark.parametrize(
    "what",
    [
        {"pattern": "task_sequence"}, {"pattern": "error_recovery"}, {"pattern": "tool_usage"},
        {"task": "Ship the zebra release"}, {"tool": "build"}, {"everything": True},
    ],
)  # fmt: skip
def test_an_undo_brings_all_of_it_back(db: Connection, what: dict[str, object]) -> None:
    story(db)
    if "pattern" in what:
        what = {"pattern": pattern(db, str(what["pattern"]))}
    before = snapshot(db)

    reply = forget(db, **what)
    assert snapshot(db) != before
    assert reply.undo is not None
    forgetting.undo(db, reply.undo, SCOPE)

    assert snapshot(db) == before
    assert advised(db, task="Ship the zebra release").recommendations


def test_an_undo_adds_to_what_was_counted_since(db: Connection) -> None:
    story(db)
    reply = forget(db, task="Water plants")
    observed(db, session_id="new", task="Water plants", tool_used="hose")
    observed(db, session_id="new2", task="Something else", tool_used="pail")

    forgetting.undo(db, str(reply.undo), SCOPE)

    [one] = [one for one in every(db) if "hose" in one.summary]
    assert one.evidence.support == 3
    assert db.rows("SELECT count(*) FROM task WHERE text = 'Water plants'") == [(1,)]
    seqs = [row[0] for row in db.rows("SELECT seq FROM outcome")]
    assert len(seqs) == len(set(seqs))


def test_an_undo_is_once_and_for_a_while(db: Connection) -> None:
    story(db)
    first, second = forget(db, task="Water plants"), forget(db, tool="build")
    forgetting.undo(db, str(first.undo), SCOPE)

    with pytest.raises(NotFound, match="observations status"):
        forgetting.undo(db, str(first.undo), SCOPE)
    assert [one.undo for one in forgetting.undoable(db, 1)] == [second.undo]
    assert forgetting.purge(db, NOW + 20 * DAY) == 0
    assert forgetting.purge(db, NOW + 31 * DAY) == 1
    with pytest.raises(NotFound):
        forgetting.undo(db, str(second.undo), SCOPE)


def test_a_dry_run_changes_nothing(db: Connection) -> None:
    story(db)
    before = snapshot(db)

    reply = forget(db, everything=True, dry_run=True)

    assert reply.dry_run
    assert reply.rows["steps of the log"] == 10
    assert snapshot(db) == before


def test_too_much_is_erased_at_once_and_said(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    story(db)
    monkeypatch.setattr(taking, "KEPT_ROWS_MAX", 3)

    reply = forget(db, everything=True)

    assert reply.undo is None
    assert "cannot be undone" in reply.note


@pytest.mark.parametrize("what", [{}, {"task": "x", "tool": "y"}])
def test_exactly_one_thing_is_forgotten_at_a_time(db: Connection, what: dict) -> None:
    observed(db, tool_used="read")

    with pytest.raises(InvalidInput, match="Name one of"):
        forget(db, **what)


def test_what_was_forgotten_can_be_learned_again(db: Connection) -> None:
    story(db)
    forget(db, task="Water plants", erase=True)

    observed(db, session_id="again", task="Water plants", tool_used="hose")

    [one] = [one for one in every(db) if "hose" in one.summary]
    assert one.evidence.support == 1


def test_the_log_can_be_deleted_without_forgetting(db: Connection) -> None:
    story(db)
    before = snapshot(db)

    reply = log.delete(db, SCOPE, before=None, dry_run=False)

    assert reply.rows == {"steps of the log": 10, "sessions": 4}
    assert db.rows("SELECT count(*) FROM step") == [(0,)]
    assert snapshot(db) == before


def test_old_steps_and_sessions_are_dropped_in_slices(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    story(db)
    observed(db, now=NOW + 50 * DAY, session_id="late", tool_used="read")
    monkeypatch.setattr(log, "DROPPED_MAX", 4)

    def tidy(steps: int, sessions: int) -> int:
        return log.tidy(db, NOW + 60 * DAY, steps_days=steps, sessions_days=sessions)

    assert tidy(0, 0) == 0
    assert [tidy(30, 0) for _ in range(4)] == [4, 4, 2, 0]
    assert tidy(0, 30) == 4
    assert db.rows("SELECT name FROM session") == [("late",)]
    assert db.rows("SELECT tool FROM step") == [("read",)]


def test_paused_means_that_nothing_is_written_and_the_reason_is_told(db: Connection) -> None:
    observed(db, tool_used="read")
    pausing.pause(db, SCOPE, "customer data, API_KEY=9f8e7d6c5b4a", NOW)
    before = snapshot(db)

    reply = pausing.observe(
        db, ObserveRequest(tool_used="edit", task="t"), SCOPE, connection="c", now=NOW
    )

    assert (reply.observed, reply.learned) == (0, ())
    assert reply.paused == "observing was paused on 2026-09-21 (customer data, API_KEY=<secret>)"
    assert "Nothing was recorded: observing was paused" in text.observe_text(reply)
    assert snapshot(db) == before
    status = log.status(db, SCOPE, steps_days=1, sessions_days=2)
    assert (status.paused, status.steps) == (reply.paused, 1)


def test_resuming_observes_again(db: Connection) -> None:
    pausing.pause(db, SCOPE, "", NOW)

    assert pausing.resume(db, SCOPE)
    assert not pausing.resume(db, SCOPE)
    request = ObserveRequest(tool_used="edit")
    assert pausing.observe(db, request, SCOPE, connection="c", now=NOW).observed == 1


def test_erased_bytes_are_in_no_file(tmp_path: Path) -> None:
    from tests.learning.desk import opened  # noqa: PLC0415 - the fixture's store stays open

    with opened(tmp_path) as db:
        story(db)
        forget(db, task="Ship the zebra release", erase=True)
        db.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    data = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"zebra" not in data
    assert b"Water plants" in data
