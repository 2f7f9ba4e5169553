"""The full-text index: one FTS5 table for each namespace.

One table for all would share word statistics between namespaces, so that what one tenant stores
would move another's scores, and its rows would use up the other's LIMIT. The table's name is made
of the namespace's integer key alone. The tables are contentless: the text stands once, in `memory`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

VERSION = 1
"""Raised when memory/words.py divides text in another way: the index must then be made again."""

COLUMNS = "own, previous, next, wide, day, identifiers"
WORD_COLUMNS = "{own previous next wide day}"
# Tuned on dialogue: what was said just before says most about a turn, the rest sets the scene.
# Identifiers are searched by themselves (`holders`) and do not take part.
WEIGHTS = "1.0, 0.7, 0.4, 0.3, 0.3, 0.0"
TOKENIZER = "porter unicode61 remove_diacritics 2"

COUNTED_MAX = 20_000
"""A word in as many memories tells nothing; counting further only takes time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index holds of a memory; each text is divided already (memory/words.py)."""

    own: str
    previous: str
    next: str
    wide: str
    day: str
    identifiers: str


def exists(db: Connection, ns: int) -> bool:
    """Tell whether the namespace has an index yet."""
    return db.row("SELECT 1 FROM lexical_index WHERE ns = ?", (ns,)) is not None


def ensure(db: Connection, ns: int) -> None:
    """Make the namespace's index where there is none."""
    if exists(db, ns):
        return
    db.rows(
        f"CREATE VIRTUAL TABLE {_table(ns)} USING fts5({COLUMNS}, "
        f"content='', contentless_delete=1, tokenize='{TOKENIZER}')"
    )
    db.run("INSERT INTO lexical_index VALUES (?, ?)", (ns, VERSION))


def put(db: Connection, ns: int, entries: Iterable[tuple[int, Entry]]) -> None:
    """Index memories by their keys; what was indexed of them before is replaced."""
    db.run_many(
        f"INSERT OR REPLACE INTO {_table(ns)}(rowid, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((memory, *astuple(entry)) for memory, entry in entries),
    )


def remove(db: Connection, ns: int, memories: Sequence[int]) -> None:
    """Take memories out of the index."""
    db.run_many(f"DELETE FROM {_table(ns)} WHERE rowid = ?", ((key,) for key in memories))


def search(
    db: Connection, ns: int, expression: str, chosen: Filter, limit: int
) -> list[tuple[int, float]]:
    """Return the best memories for an expression of words with their BM25, best first."""
    return _search(db, ns, f"{WORD_COLUMNS} : ({expression})", chosen, limit)


def holders(db: Connection, ns: int, expression: str, chosen: Filter, limit: int) -> list[int]:
    """Return memories that hold one of the identifiers, newest first."""
    sql = _query(ns, chosen, f"{_table(ns)}.rowid") + " ORDER BY 1 DESC LIMIT :limit"
    match = f"identifiers : ({expression})"
    return [row[0] for row in db.rows(sql, {**chosen.params, "match": match, "limit": limit})]


def _search(
    db: Connection, ns: int, match: str, chosen: Filter, limit: int
) -> list[tuple[int, float]]:
    table = _table(ns)
    sql = _query(ns, chosen, f"{table}.rowid, -bm25({table}, {WEIGHTS})")
    sql += " ORDER BY 2 DESC, 1 DESC LIMIT :limit"
    rows = db.rows(sql, {**chosen.params, "match": match, "limit": limit})
    return [(key, float(score)) for key, score in rows]


def _query(ns: int, chosen: Filter, what: str) -> str:
    # CROSS JOIN keeps the order: first what matches, then a look at each one's row by its key.
    return (
        f"SELECT {what} FROM {_table(ns)} CROSS JOIN memory m ON m.id = {_table(ns)}.rowid "
        f"WHERE {_table(ns)} MATCH :match AND {chosen.where}"
    )


def alike(db: Connection, ns: int, expression: str, chosen: Filter, limit: int) -> list[int]:
    """Return the memories that hold most of an expression's words themselves, best first."""
    if not expression:
        return []
    found = _search(db, ns, f"own : ({expression})", chosen, limit)
    return [memory for memory, _ in found]


def spread(db: Connection, ns: int, expressions: Sequence[str]) -> list[int]:
    """Return for each expression in how many memories it occurs, counted up to COUNTED_MAX."""
    table = _table(ns)
    sql = (
        f"SELECT (SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH e.value "
        f"LIMIT {COUNTED_MAX})) FROM json_each(?) e ORDER BY e.key"
    )
    wrapped = [f"own : ({expression})" for expression in expressions]
    return [int(row[0]) for row in db.rows(sql, (json.dumps(wrapped),))]


def compact(db: Connection, ns: int) -> None:
    """Rewrite the index so that nothing of removed memories is left in it."""
    db.run(f"INSERT INTO {_table(ns)}({_table(ns)}) VALUES ('optimize')")


def _table(ns: int) -> str:
    assert isinstance(ns, int)
    return f"memory_words_{ns}"
