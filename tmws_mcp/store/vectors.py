"""Vectors of memories in sqlite-vec, one table for each embedder.

int8 with a scale for each vector keeps .998 of the exact answer at a quarter of the bytes. The
namespace is the partition key, so that a search reads its own vectors alone. A row of `memory`
names the embedder whose vector it has; nobody's means that none was made yet.

sqlite-vec facts behind the statements: an int8 vector cannot be UPDATEd (DELETE and INSERT);
`rowid IN (…)` narrows a nearest-neighbour search, but without one it reads the whole table, so that
single vectors are looked up by a join.
"""

from collections.abc import Iterable, Sequence

from tmws_mcp.store import forward, sketches
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

OUTDATED = ""
"""In place of an embedder's id: there is a vector, of a text that is no longer the right one."""

STALE = (
    "SELECT id FROM memory INDEXED BY memory_stale WHERE embedder IS NOT NULL "
    "AND (forgotten_at IS NOT NULL OR superseded_by IS NOT NULL)"
)


def available(db: Connection) -> bool:
    """Tell whether this connection can read and write vectors."""
    return db.row("SELECT 1 FROM pragma_module_list WHERE name = 'vec0'") is not None


def space(db: Connection, embedder: str, dimensions: int) -> int | None:
    """Return the key of the embedder's table, or None while it has none."""
    row = db.row(
        "SELECT id FROM vector_space WHERE embedder = ? AND dimensions = ?", (embedder, dimensions)
    )
    return int(row[0]) if row else None


def ensure_space(db: Connection, embedder: str, dimensions: int) -> int:
    """Return the key of the embedder's table; a new one is made, of other dimensions anew."""
    if (known := space(db, embedder, dimensions)) is not None:
        return known
    drop_spaces(db, "embedder = ?", embedder)
    row = db.row(
        "INSERT INTO vector_space(embedder, dimensions) VALUES (?, ?) RETURNING id",
        (embedder, dimensions),
    )
    assert row is not None
    db.rows(
        f"CREATE VIRTUAL TABLE {_table(row[0])} USING vec0("
        f"ns integer partition key, e int8[{int(dimensions)}] distance_metric=cosine)"
    )
    return int(row[0])


def put(db: Connection, key: int, ns: int, vectors: Sequence[tuple[int, bytes]]) -> None:
    """Store memories' vectors; those they had are replaced."""
    remove(db, key, [memory for memory, _ in vectors])
    db.run_many(
        f"INSERT INTO {_table(key)}(rowid, ns, e) VALUES (?, ?, vec_int8(?))",
        ((memory, ns, vector) for memory, vector in vectors),
    )


def remove(db: Connection, key: int, memories: Iterable[int]) -> None:
    """Delete memories' vectors."""
    db.run_many(f"DELETE FROM {_table(key)} WHERE rowid = ?", ((memory,) for memory in memories))


def remove_everywhere(db: Connection, memories: Sequence[int]) -> None:
    """Delete memories' vectors of all embedders."""
    for (key,) in db.rows("SELECT id FROM vector_space"):
        remove(db, key, memories)


def erase_sketches(db: Connection, ns: int, memories: Sequence[int]) -> None:
    """Blot out the sketches of memories, of all embedders."""
    keys = [memory.to_bytes(sketches.KEY_BYTES, "little") for memory in memories]
    for (space_key,) in db.rows("SELECT id FROM vector_space"):
        sketches.erase(db, space_key, ns, keys)


def nearest(
    db: Connection, key: int, ns: int, vector: bytes, chosen: Filter, limit: int
) -> list[tuple[int, float]]:
    """Return the nearest memories of a namespace with their cosines, nearest first."""
    sql = (
        f"SELECT rowid, distance FROM {_table(key)} "
        "WHERE e MATCH vec_int8(:vector) AND k = :limit AND ns = :ns"
    )
    params: dict[str, object] = {"vector": vector, "limit": limit, "ns": ns}
    if chosen.narrows or _any_expired(db, ns, chosen.now):
        sql += f" AND rowid IN (SELECT m.id FROM memory m WHERE m.ns = :ns AND {chosen.where})"
        params |= chosen.params
    return [(memory, 1.0 - distance) for memory, distance in db.rows(sql, params)]


def _any_expired(db: Connection, ns: int, now: float) -> bool:
    sql = "SELECT 1 FROM memory WHERE ns = ? AND expires_at <= ? LIMIT 1"
    return db.row(sql, (ns, now)) is not None


def withdraw(db: Connection, memories: Sequence[int]) -> None:
    """Take memories out of the search among vectors; ranking keeps theirs, as context.

    Without sqlite-vec they stay in it, and their rows say so until they can be deleted.
    """
    if available(db):
        remove_everywhere(db, memories)
        mark(db, memories, None)


def mark(db: Connection, memories: Iterable[int], embedder: str | None) -> None:
    """Note whose vector the memories have; None: theirs is missing, or no longer right."""
    db.run_many(
        "UPDATE memory SET embedder = ? WHERE id = ?", ((embedder, memory) for memory in memories)
    )


def outdate(db: Connection, memories: Iterable[int]) -> None:
    """Note that the memories need new vectors; those they have are no longer right."""
    db.run_many(
        "UPDATE memory SET embedder = ? WHERE id = ? AND embedder IS NOT NULL",
        ((OUTDATED, memory) for memory in memories),
    )


def any_missing(db: Connection) -> bool:
    """Tell whether a memory waits for its vector, or vectors are left that nobody needs."""
    row = db.row(
        "SELECT EXISTS (SELECT 1 FROM memory m WHERE m.embedder IS NULL "
        "AND m.forgotten_at IS NULL AND m.superseded_by IS NULL) "
        "OR EXISTS (SELECT 1 FROM memory m WHERE m.embedder = :outdated "
        "AND m.forgotten_at IS NULL AND m.superseded_by IS NULL) "
        f"OR EXISTS ({STALE}) OR (SELECT count(*) FROM vector_space) > 1",
        {"outdated": OUTDATED},
    )
    assert row is not None
    return bool(row[0])


def remove_stale(db: Connection, limit: int) -> None:
    """Delete vectors of memories that are found by themselves no more."""
    stale = [row[0] for row in db.rows(f"{STALE} LIMIT ?", (limit,))]
    remove_everywhere(db, stale)
    mark(db, stale, None)


def missing(db: Connection, embedder: str, limit: int) -> list[int]:
    """Return current memories that have no vector of this embedder."""
    # Three ranges of the index (embedder, id): `embedder IS NOT :embedder` would read all of it.
    ranges = " UNION ALL ".join(
        f"SELECT id FROM memory WHERE embedder {condition} "
        "AND forgotten_at IS NULL AND superseded_by IS NULL"
        for condition in ("IS NULL", "< :embedder", "> :embedder")
    )
    rows = db.rows(f"{ranges} LIMIT :limit", {"embedder": embedder, "limit": limit})
    return [row[0] for row in rows]


def drop_other_spaces(db: Connection, embedder: str) -> None:
    """Drop the vectors of former embedders."""
    drop_spaces(db, "embedder <> ?", embedder)


def drop_spaces(db: Connection, condition: str, embedder: str) -> None:
    """Drop the tables of embedders, and note that their vectors are gone."""
    found = db.rows(f"SELECT id, embedder FROM vector_space WHERE {condition}", (embedder,))
    for key, name in found:
        db.rows(f"DROP TABLE {_table(key)}")
        sketches.drop(db, key)
        forward.drop_vectors(db, key)
        db.run("UPDATE memory SET embedder = NULL WHERE embedder = ?", (name,))
        db.run("DELETE FROM vector_space WHERE id = ?", (key,))


def _table(key: int) -> str:
    assert isinstance(key, int)
    return f"memory_vectors_{key}"
