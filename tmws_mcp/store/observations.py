"""Sessions and the steps observed in them.

A session has one row, found by its name; what lies between two of its ends is a run, numbered from
0. The steps of a namespace are a ring: the counts made from them (store/evidence.py) outlive them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tmws_mcp.store.driver import Connection, Row
from tmws_mcp.store.tasks import Near, Task

STEPS_MAX = 50_000
STEPS_PRUNED_EACH = 64
"""The oldest lie on other pages than the newest: dropped one by one, each step wrote both."""
SESSIONS_MAX = 10_000
SESSIONS_PRUNED_EACH = 64
"""Counting the sessions costs a scan of an index, so that only each 64th new one pays for it."""
HISTORY_MAX = 24
STEPS_KEPT = 1_024
"""Steps kept as they were read: each one of a session reads those before it again."""
POSITION_MAX = 2**62


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands."""

    id: int
    ns: int
    name: str
    task: int | None
    near: tuple[tuple[int, float], ...]
    """Tasks like its own (key, similarity), found once for a run."""
    run: int
    steps: int
    last_at: float
    is_open: bool
    turn: str
    """The newest user message that was told."""
    about: Task | None = None
    """The task, for who has found the session by its name."""


@dataclass(frozen=True, slots=True)
class Step:
    """An observed step, or an observation without a tool (`tool` is empty then)."""

    tool: str
    ok: bool
    number: int | None = None
    error_template: str | None = None
    error_class: str | None = None
    recovery: str | None = None
    method: str | None = None
    seconds: float | None = None
    tokens: int | None = None
    arguments: str | None = None
    evidence: str | None = None
    turn: str | None = None
    """The user's message, on the first step after it."""
    call: str | None = None
    """Fingerprint of the id that its client gave the call."""


COLUMNS = "id, ns, name, task, near, run, steps, last_at, ended_at IS NULL, turn"
WITH_TASK = (
    "s.id, s.ns, s.name, s.task, s.near, s.run, s.steps, s.last_at, s.ended_at IS NULL, s.turn, "
    "t.id, t.hash, t.text, t.last_at"
)


def _session(row: Row) -> Session:
    key, ns, name, task, near, run, steps, last_at, is_open, turn, *about = row
    return Session(
        key, ns, name, task, _near(near), run, steps, last_at, bool(is_open), turn,
        Task(*about) if task is not None and about else None,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _near(found: str) -> tuple[tuple[int, float], ...]:
    """Each step of a session reads them again."""
    return tuple((other, similarity) for other, similarity in json.loads(found))


def find_session(db: Connection, ns: int, name: str) -> Session | None:
    """Return the session of that name, or None."""
    row = db.row(
        f"SELECT {WITH_TASK} FROM session s LEFT JOIN task t ON t.id = s.task "
        "WHERE s.ns = ? AND s.name = ?",
        (ns, name),
    )
    return _session(row) if row else None


def open_session(
    db: Connection, ns: int, name: str, *, connection: str | None, now: float
) -> Session:
    """Make a session; `connection` is set where it lives and ends with that connection."""
    row = db.row(
        "INSERT INTO session(ns, name, connection, opened_at, last_at) VALUES (?, ?, ?, ?, ?) "
        f"RETURNING {COLUMNS}",
        (ns, name, connection, now, now),
    )
    assert row is not None
    made = _session(row)
    if made.id % SESSIONS_PRUNED_EACH == 0:
        prune_sessions(db, ns, SESSIONS_MAX)
    return made


def prune_sessions(db: Connection, ns: int, sessions_max: int) -> int:
    """Drop the sessions that were quiet for longest, with their steps."""
    return db.run(
        "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE ns = ? "
        "ORDER BY last_at DESC, id DESC LIMIT -1 OFFSET ?)",
        (ns, sessions_max),
    )


def move_session(db: Connection, session: Session, *, now: float) -> None:
    """Note that something happened in a session, which opens it again where it had ended."""
    # Whoever sets the end moves the index of open sessions, even where it stays as it was.
    opened = "" if session.is_open else "ended_at = NULL, outcome = NULL, "
    db.run(
        f"UPDATE session SET {opened}last_at = max(last_at, ?), steps = steps + 1 WHERE id = ?",
        (now, session.id),
    )


def set_task(db: Connection, session: Session, task: int, near: Sequence[Near]) -> None:
    """Note which task the session's run is about, and which tasks are like it."""
    found = json.dumps([(other.task, round(other.similarity, 4)) for other in near])
    db.run("UPDATE session SET task = ?, near = ? WHERE id = ?", (task, found, session.id))


def set_turn(db: Connection, session: Session, turn: str) -> None:
    """Note the newest user message."""
    db.run("UPDATE session SET turn = ? WHERE id = ?", (turn, session.id))


def end_session(db: Connection, session: Session, *, outcome: str, now: float) -> None:
    """End the session's run; what comes after belongs to the next one."""
    db.run(
        "UPDATE session SET ended_at = ?, outcome = ?, run = run + 1, task = NULL, "
        "near = '[]', turn = '' WHERE id = ?",
        (now, outcome, session.id),
    )


def open_of_connection(db: Connection, connection: str) -> list[Session]:
    """Return the open sessions that live with a connection, of all namespaces."""
    rows = db.rows(
        f"SELECT {COLUMNS} FROM session WHERE connection = ? AND ended_at IS NULL", (connection,)
    )
    return [_session(row) for row in rows]


def idle_since(db: Connection, moment: float, limit: int) -> list[Session]:
    """Return open sessions without a step since then, the quietest first."""
    rows = db.rows(
        f"SELECT {COLUMNS} FROM session WHERE ended_at IS NULL AND last_at < ? "
        "ORDER BY last_at LIMIT ?",
        (moment, limit),
    )
    return [_session(row) for row in rows]


def run_of_step(db: Connection, session: Session, step: Step) -> int | None:
    """Return the run of a step that the session has already: by its number, or by its call."""
    for column, value in (("number", step.number), ("call", step.call)):
        if value is None:
            continue
        row = db.row(
            f"SELECT run FROM step WHERE session = ? AND {column} = ?", (session.id, value)
        )
        if row:
            return int(row[0])
    return None


def place(
    db: Connection, session: Session, number: int | None
) -> tuple[int, int, tuple[Step, ...]]:
    """Return run and position for a new step, and the newest steps before it, oldest first.

    A late step goes to the run that it was part of, one without a number to the end.
    """
    if number is None:
        return (session.run, *_end(db, session))
    later = db.row(
        "SELECT run FROM step WHERE session = ? AND number > ? ORDER BY number LIMIT 1",
        (session.id, number),
    )
    run = int(later[0]) if later else session.run
    return run, number, history(db, session, run=run, before=number)


def _end(db: Connection, session: Session) -> tuple[int, tuple[Step, ...]]:
    """Return the position after the run's last step, and its newest steps: mostly by one query."""
    rows = db.rows(
        f"SELECT position, {STEP_COLUMNS} FROM step WHERE session = ? AND run = ? "
        "ORDER BY position DESC, id DESC LIMIT ?",
        (session.id, session.run, HISTORY_MAX),
    )
    position = int(rows[0][0]) + 1 if rows else 0
    steps = tuple(_step(row[1:]) for row in reversed(rows) if row[1])
    if len(steps) < len(rows) == HISTORY_MAX:  # among them observations without a tool
        steps = newest_steps(db, session)
    return position, steps


def add_step(
    db: Connection, session: Session, step: Step, *, run: int, position: int, now: float
) -> int:
    """Write a step down, drop the oldest of the ring, and return its ordinal."""
    row = db.row(
        "INSERT INTO step(ns, ordinal, session, run, number, position, tool, ok, error_template, "
        "error_class, recovery, method, seconds, tokens, arguments, evidence, turn, call, at) "
        "VALUES (?, (SELECT coalesce(max(ordinal), 0) + 1 FROM step WHERE ns = ?), "
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING ordinal",
        (
            session.ns, session.ns, session.id, run, step.number, position, step.tool, int(step.ok),
            step.error_template, step.error_class, step.recovery, step.method, step.seconds,
            step.tokens, step.arguments, step.evidence, step.turn, step.call, now,
        ),
    )  # fmt: skip
    assert row is not None
    ordinal = int(row[0])
    kept = STEPS_MAX - STEPS_PRUNED_EACH + 1
    if ordinal > kept and ordinal % STEPS_PRUNED_EACH == 0:
        prune_steps(db, session.ns, newest=ordinal, steps_max=kept)
    return ordinal


def prune_steps(db: Connection, ns: int, *, newest: int, steps_max: int) -> int:
    """Drop what fell out of the ring."""
    return db.run("DELETE FROM step WHERE ns = ? AND ordinal <= ?", (ns, newest - steps_max))


STEP_COLUMNS = "tool, ok, number, error_template, error_class, recovery, turn"


@lru_cache(maxsize=STEPS_KEPT)
def _step(row: Row) -> Step:
    tool, ok, number, template, kind, recovery, turn = row
    return Step(
        tool, bool(ok), number, error_template=template, error_class=kind, recovery=recovery,
        turn=turn,
    )  # fmt: skip


def history(db: Connection, session: Session, *, run: int, before: int) -> tuple[Step, ...]:
    """Return the newest steps of a run below a position, oldest first."""
    rows = db.rows(
        f"SELECT {STEP_COLUMNS} FROM step WHERE session = ? AND run = ? AND position < ? "
        "AND tool <> '' ORDER BY position DESC, id DESC LIMIT ?",
        (session.id, run, before, HISTORY_MAX),
    )
    return tuple(_step(row) for row in reversed(rows))


def newest_steps(db: Connection, session: Session) -> tuple[Step, ...]:
    """Return the newest steps of the session's run, oldest first."""
    return history(db, session, run=session.run, before=POSITION_MAX)


def uncounted(db: Connection, session: Session, run: int) -> int:
    """Return how many steps of a run wait for their contexts to be counted."""
    row = db.row(
        "SELECT count(*) FROM step WHERE session = ? AND run = ? AND counted = 0",
        (session.id, run),
    )
    return int(row[0]) if row else 0


def steps_of_run(db: Connection, session: Session, run: int, limit: int) -> list[tuple[bool, Step]]:
    """Return the newest steps of a run, oldest first, and whether their contexts are counted."""
    rows = db.rows(
        f"SELECT counted, {STEP_COLUMNS} FROM step WHERE session = ? AND run = ? "
        "AND tool <> '' ORDER BY position DESC, id DESC LIMIT ?",
        (session.id, run, limit),
    )
    return [(bool(row[0]), _step(row[1:])) for row in reversed(rows)]


def waiting_below(
    db: Connection, session: Session, run: int, newest: int
) -> list[tuple[int, Step]]:
    """Return position and step of those that wait although so many others came after them."""
    rows = db.rows(
        f"SELECT position, {STEP_COLUMNS} FROM step WHERE session = :session AND run = :run "
        "AND counted = 0 AND tool <> '' AND position < (SELECT position FROM step "
        "WHERE session = :session AND run = :run AND tool <> '' "
        "ORDER BY position DESC, id DESC LIMIT 1 OFFSET :newest - 1)",
        {"session": session.id, "run": run, "newest": newest},
    )
    return [(int(row[0]), _step(row[1:])) for row in rows]


def mark_counted(db: Connection, session: Session, run: int) -> None:
    """Note that the contexts of all steps of a run are counted."""
    db.run(
        "UPDATE step SET counted = 1 WHERE session = ? AND run = ? AND counted = 0",
        (session.id, run),
    )


def turn_before(db: Connection, session: Session, run: int, position: int) -> str:
    """Return the newest user message of a run below a position, empty where there is none."""
    row = db.row(
        "SELECT turn FROM step WHERE session = ? AND run = ? AND position < ? "
        "AND turn IS NOT NULL ORDER BY position DESC, id DESC LIMIT 1",
        (session.id, run, position),
    )
    return str(row[0]) if row else ""


def turn_below(db: Connection, session: Session, run: int, newest: int) -> str:
    """Return the user message that was the newest before so many newest steps of a run."""
    first = db.row(
        "SELECT position FROM step WHERE session = ? AND run = ? AND tool <> '' "
        "ORDER BY position DESC, id DESC LIMIT 1 OFFSET ?",
        (session.id, run, newest - 1),
    )
    return turn_before(db, session, run, int(first[0])) if first else ""


def counts(db: Connection, ns: int) -> tuple[int, int, int]:
    """Return how many steps, sessions and open sessions are kept."""
    row = db.row(
        "SELECT (SELECT count(*) FROM step WHERE ns = :ns), "
        "(SELECT count(*) FROM session WHERE ns = :ns), "
        "(SELECT count(*) FROM session WHERE ns = :ns AND ended_at IS NULL)",
        {"ns": ns},
    )
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])
