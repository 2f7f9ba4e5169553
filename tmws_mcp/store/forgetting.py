"""Taking out what was learned about something, and putting it back.

What goes is named by parts: a table and a condition. The rows of those tables that can be put back
are kept as JSON beside the store's other rows until they are erased; the step log and the sessions
are not: they are erased at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from tmws_mcp.store import actor, imported
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context
from tmws_mcp.store.learned import NAMES_TOOL
from tmws_mcp.store.tasks import EVERY

KEPT_ROWS_MAX = 50_000
"""More is erased at once: to hold it for an undo would cost as much as the store itself."""
PURGED_MAX = 20
# Children first: deleting a parent deletes them too, and they must have been kept by then.
TABLES = (
    "learned_history", "learned", "outcome", "context", "run", "task_word", "task", "word",
    "step", "session", "blend",
)  # fmt: skip
"""All that holds what was observed and learned in a namespace."""
KEPT = ("learned", "learned_history", "outcome", "context", "task", "task_word", "run")
"""In the order in which they are put back."""
WORD_KINDS = "('task_word', 'turn_word')"
"""Contexts whose key is a word of a text; those of no other task go with the task."""
OF_TASKS = "task IN (SELECT id FROM task WHERE ns = :ns)"

Rows = dict[str, list[dict[str, JsonValue]]]
"""Table -> its rows, each as column -> value."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table."""

    table: str
    where: str
    """With `:ns` and the names in `values`."""
    values: dict[str, object]


def everything(ns: int) -> tuple[Part, ...]:
    """Return all of a namespace."""
    return tuple(
        Part(table, OF_TASKS if table == "run" else "ns = :ns", {"ns": ns}) for table in TABLES
    )


def of_patterns(ns: int, ids: Sequence[str], slots: Sequence[Context]) -> tuple[Part, ...]:
    """Return learned patterns with their history and the slots of their evidence."""
    listed = {"ns": ns, "ids": json.dumps(list(ids)), "slots": json.dumps(list(slots))}
    named = "ns = :ns AND id IN (SELECT value FROM json_each(:ids))"
    counted = (
        "ns = :ns AND (kind, key, action) IN (SELECT json_extract(value, '$[0]'), "
        "json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(:slots))"
    )
    return (
        Part("learned_history", named, listed),
        Part("learned", named, listed),
        Part("outcome", counted, listed),
    )


def of_runs(ns: int, runs: Sequence[tuple[int, int]]) -> tuple[Part, ...]:
    """Return runs by their sessions and numbers, with the steps that the log has of them."""
    values = {"ns": ns, "runs": json.dumps(list(runs))}
    chosen = (
        "IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:runs))"
    )
    return (
        Part("run", f"(session, number) {chosen}", values),
        Part("step", f"ns = :ns AND (session, run) {chosen}", values),
    )


def of_task(ns: int, key: str, task: int | None) -> tuple[Part, ...]:
    """Return all that was counted and kept under a task's key."""
    values: dict[str, object] = {"ns": ns, "key": key, "variant": f"task:{key}", "task": task}
    patterns = (
        "ns = :ns AND (json_extract(definition, '$.task_key') = :key "
        "OR json_extract(definition, '$.key') = :variant)"
    )
    ran = (
        "ns = :ns AND (session, run) IN (SELECT session, number FROM run WHERE task = :task "
        "UNION SELECT id, run FROM session WHERE ns = :ns AND task = :task)"
    )
    alone = (
        "SELECT word FROM task_word WHERE task = :task EXCEPT "
        "SELECT word FROM task_word WHERE ns = :ns AND task <> :task"
    )
    return (
        Part(
            "learned_history", f"ns = :ns AND id IN (SELECT id FROM learned WHERE {patterns})",
            values,
        ),
        Part("learned", patterns, values),
        Part("outcome", "ns = :ns AND key IN (:key, :variant)", values),
        Part("context", "ns = :ns AND key = :key", values),
        Part("context", f"ns = :ns AND kind IN {WORD_KINDS} AND key IN ({alone})", values),
        Part("step", ran, values),
        Part("run", "task = :task", values),
        Part("task_word", "task = :task", values),
        Part("task", "id = :task", values),
    )  # fmt: skip


def of_tool(ns: int, tool: str) -> tuple[Part, ...]:
    """Return all that names a tool (or method); sums over all tools go on holding it."""
    values: dict[str, object] = {"ns": ns, "tool": tool}
    patterns = f"ns = :ns AND ({NAMES_TOOL})"
    slots = (
        "(kind, key, action) IN (SELECT slot_kind, slot_key, slot_action FROM learned "
        f"WHERE {patterns})"
    )
    used = (
        "EXISTS (SELECT 1 FROM json_each(run.steps) s WHERE json_extract(s.value, '$[0]') = :tool)"
    )
    return (
        Part("outcome", f"ns = :ns AND (action = :tool OR {slots})", values),
        Part("context", "ns = :ns AND action = :tool", values),
        Part(
            "learned_history", f"ns = :ns AND id IN (SELECT id FROM learned WHERE {patterns})",
            values,
        ),
        Part("learned", patterns, values),
        Part("run", f"{OF_TASKS} AND {used}", values),
        Part("step", "ns = :ns AND :tool IN (tool, recovery, method)", values),
    )  # fmt: skip


def of_actor(ns: int, name: str, *, own: bool) -> tuple[Part, ...]:
    """Return what an instance counted; of the own one also its log and its runs."""
    values: dict[str, object] = {"ns": ns, "actor": name}
    alone = (
        "ns = :ns AND slot_kind IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.ns = learned.ns "
        "AND o.kind = slot_kind AND o.key = slot_key AND o.action = slot_action "
        "AND o.actor <> :actor)"
    )
    log = (
        Part("run", OF_TASKS, values),
        Part("step", "ns = :ns", values),
        Part("session", "ns = :ns", values),
    )
    return (
        Part(
            "learned_history", f"ns = :ns AND id IN (SELECT id FROM learned WHERE {alone})", values
        ),
        Part("learned", alone, values),
        Part("outcome", "ns = :ns AND actor = :actor", values),
        Part("context", "ns = :ns AND actor = :actor", values),
        *(log if own else ()),
    )


def log_of(ns: int, before: float | None) -> tuple[Part, ...]:
    """Return the step log and the sessions that have ended, all or those from before a moment."""
    values: dict[str, object] = {"ns": ns, "before": before}
    return (
        Part("step", "ns = :ns AND (:before IS NULL OR at < :before)", values),
        Part("session", "ns = :ns AND (:before IS NULL OR last_at < :before)", values),
    )


def count(db: Connection, parts: Sequence[Part]) -> dict[str, int]:
    """Return how many rows of each table the parts have."""
    found: dict[str, int] = {}
    for part in parts:
        row = db.row(f"SELECT count(*) FROM {part.table} WHERE {part.where}", part.values)
        found[part.table] = found.get(part.table, 0) + (int(row[0]) if row else 0)
    return found


def contexts(db: Connection, parts: Sequence[Part], table: str) -> list[Context]:
    """Return what the parts count in `outcome` or `context`."""
    assert table in ("outcome", "context")
    found: dict[Context, None] = {}
    for part in parts:
        if part.table == table:
            sql = f"SELECT DISTINCT kind, key, action FROM {table} WHERE {part.where}"
            found |= dict.fromkeys(db.rows(sql, part.values))
    return list(found)


def retell_tasks(db: Connection, parts: Sequence[Part]) -> None:
    """Number the tasks anew that the parts have own runs of: others are told of them again."""
    for part in parts:
        if part.table == "run":
            tasks = db.rows(
                f"SELECT DISTINCT task FROM run WHERE session > 0 AND {part.where}", part.values
            )
            numbers = actor.next_seqs(db, len(tasks))
            db.run_many(
                "UPDATE task SET seq = ? WHERE id = ?",
                ((seq, task) for seq, (task,) in zip(numbers, tasks, strict=True)),
            )


def rows_of(db: Connection, parts: Sequence[Part]) -> Rows:
    """Return the rows that can be put back."""
    kept: Rows = {}
    for part in parts:
        if part.table in KEPT:
            names = [str(row[1]) for row in db.rows(f"PRAGMA table_info({part.table})")]
            found = db.rows(
                f"SELECT {', '.join(names)} FROM {part.table} WHERE {part.where}", part.values
            )
            rows = kept.setdefault(part.table, [])
            rows += (dict(zip(names, row, strict=True)) for row in found)
    return kept


def delete(db: Connection, ns: int, parts: Sequence[Part]) -> None:
    """Delete the rows; sessions no longer know which tasks were like theirs.

    What is known of more than the log can be learned again from the files that it came from.
    """
    if any(part.table in KEPT for part in parts):
        imported.forget(db, ns)
    for part in parts:
        db.run(f"DELETE FROM {part.table} WHERE {part.where}", part.values)
    db.run("UPDATE session SET near = '[]' WHERE ns = ? AND near <> '[]'", (ns,))
    recount_words(db, ns)


def recount_words(db: Connection, ns: int) -> None:
    """Count anew in how many tasks each word stands."""
    db.run("DELETE FROM word WHERE ns = ?", (ns,))
    db.run(
        "INSERT INTO word SELECT ns, word, count(*) FROM task_word WHERE ns = ? GROUP BY word",
        (ns,),
    )
    db.run(
        "INSERT OR REPLACE INTO word SELECT ns, ?, count(*) FROM task WHERE ns = ? GROUP BY ns",
        (EVERY, ns),
    )


def keep(db: Connection, ns: int, name: str, subject: str, rows: Rows, now: float) -> None:
    """Keep what was taken out."""
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    db.run("INSERT INTO forgotten VALUES (?, ?, ?, ?, ?)", (name, ns, subject, text, now))


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Something that can be brought back."""

    id: str
    subject: str
    at: float


def kept(db: Connection, ns: int, limit: int) -> tuple[Forgotten, ...]:
    """Return what can be brought back, the newest first."""
    rows = db.rows(
        "SELECT id, subject, at FROM forgotten WHERE ns = ? ORDER BY at DESC LIMIT ?", (ns, limit)
    )
    return tuple(Forgotten(*row) for row in rows)


def take_back(db: Connection, ns: int, name: str) -> tuple[str, Rows] | None:
    """Return subject and rows of something forgotten, which are no longer kept then."""
    row = db.row(
        "DELETE FROM forgotten WHERE ns = ? AND id = ? RETURNING subject, rows", (ns, name)
    )
    return (str(row[0]), json.loads(row[1])) if row else None


def erase_kept(db: Connection, before: float) -> int:
    """Erase some of what was forgotten before a moment."""
    return db.run(
        "DELETE FROM forgotten WHERE id IN (SELECT id FROM forgotten WHERE at < ? "
        "ORDER BY at LIMIT ?)",
        (before, PURGED_MAX),
    )


def erase_all_kept(db: Connection, ns: int) -> int:
    """Erase all that was forgotten in a namespace and could still be brought back."""
    return db.run("DELETE FROM forgotten WHERE ns = ?", (ns,))


def own_actor(db: Connection) -> str:
    """Return who counts here."""
    return actor.identity(db)
