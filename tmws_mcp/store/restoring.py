"""Putting back rows that were taken out, beside what has come since.

Keys of tasks may have been given again, and the same task may have been observed again; a slot may
have counted on. Own counts are added up, under new sequence numbers; those of others win or lose by
(gen, seq), as in any merge.
"""

import json
from collections.abc import Mapping

from pydantic import JsonValue

from tmws_mcp.store import actor
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.forgetting import KEPT, Rows, recount_words

Row = dict[str, JsonValue]
SUMMED = ("n", "ok", "tokens", "metered", "before_n", "before_ok")
SLOT = ("ns", "kind", "key", "action", "actor")


def runs_of(db: Connection, task: int) -> list[tuple[int, int, list[tuple[str, bool]]]]:
    """Return session, number and steps (tool, ok) of the runs that are kept for a task."""
    rows = db.rows("SELECT session, number, steps FROM run WHERE task = ?", (task,))
    return [(row[0], row[1], json.loads(row[2])) for row in rows]


def restore(db: Connection, ns: int, rows: Rows) -> dict[str, int]:
    """Put the rows back, and return how many of each table."""
    me, renamed = actor.identity(db), _tasks(db, ns, rows.get("task", []))
    put = {"task": len(renamed)}
    for table in KEPT:
        if table == "task":
            continue
        put[table] = 0
        for row in rows.get(table, []):
            if table in ("outcome", "context"):
                put[table] += _slot(db, table, row, own=row["actor"] == me)
            else:
                put[table] += _row(db, table, _moved(db, table, row, renamed))
    recount_words(db, ns)
    return put


def _tasks(db: Connection, ns: int, rows: list[Row]) -> dict[JsonValue, JsonValue]:
    """Put tasks back, and return their former keys with those that they have now."""
    renamed: dict[JsonValue, JsonValue] = {}
    for row in rows:
        known = db.row("SELECT id FROM task WHERE ns = ? AND hash = ?", (ns, row["hash"]))
        if known is None:
            taken = db.row("SELECT 1 FROM task WHERE id = ?", (row["id"],))
            named = {name: value for name, value in row.items() if name != "id" or not taken}
            _row(db, "task", named)
            known = db.row("SELECT id FROM task WHERE ns = ? AND hash = ?", (ns, row["hash"]))
        assert known is not None
        renamed[row["id"]] = known[0]
    return renamed


def _moved(db: Connection, table: str, row: Row, renamed: Mapping[JsonValue, JsonValue]) -> Row:
    """Return a row with the task's key of today; a run belongs to no session any more."""
    if "task" not in row:
        return row
    row = {**row, "task": renamed.get(row["task"], row["task"])}
    if table == "run":
        lowest = db.row("SELECT min(coalesce(min(session), 0), 0) FROM run")
        row["session"] = (lowest[0] if lowest else 0) - 1
    return row


def _row(db: Connection, table: str, row: Row) -> int:
    marks = ", ".join("?" * len(row))
    return db.run(
        f"INSERT OR IGNORE INTO {table}({', '.join(row)}) VALUES ({marks})", tuple(row.values())
    )


def _slot(db: Connection, table: str, row: Row, *, own: bool) -> int:
    where = " AND ".join(f"{name} = ?" for name in SLOT)
    key = tuple(row[name] for name in SLOT)
    if not own:
        return _row(db, table, row)
    (seq,) = actor.next_seqs(db, 1)
    if _row(db, table, {**row, "seq": seq}):
        return 1
    summed = [name for name in SUMMED if name in row]
    changes = "".join(f", {name} = {name} + ?" for name in summed)
    db.run(
        f"UPDATE {table} SET seq = ?{changes} WHERE {where}",
        (seq, *(row[name] for name in summed), *key),
    )
    if "durations" in row:
        _add_durations(db, str(row["durations"]), key, where)
    return 1


def _add_durations(db: Connection, durations: str, key: tuple[JsonValue, ...], where: str) -> None:
    found = db.row(f"SELECT durations FROM outcome WHERE {where}", key)
    assert found is not None
    merged: dict[str, int] = json.loads(found[0])
    for bucket, n in json.loads(durations).items():
        merged[bucket] = merged.get(bucket, 0) + n
    text = json.dumps(
        dict(sorted(merged.items(), key=lambda one: int(one[0]))), separators=(",", ":")
    )
    db.run(f"UPDATE outcome SET durations = ? WHERE {where}", (text, *key))
