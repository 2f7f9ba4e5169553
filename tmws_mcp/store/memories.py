"""Rows of memories: writing one, and reading them by key, by public id, by text and by age."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tmws_mcp.store import chains
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import CURRENT, Filter


@dataclass(frozen=True, slots=True)
class NewMemory:
    """What a row is made of."""

    uid: str
    ns: int
    thread: int | None
    thread_position: int | None
    kind: str
    importance: float
    persona: str | None
    speaker: str | None
    source: str | None
    occurred_at: float | None
    expires_at: float | None
    created_at: float
    asks: bool
    """Whether it ends in a question mark."""
    content_hash: bytes
    content: str
    tags: tuple[str, ...] = ()
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A memory with all that is known of it. Times are in seconds since 1970."""

    id: int
    uid: str
    ns: int
    namespace: str
    thread: str | None
    kind: str
    importance: float
    persona: str | None
    speaker: str | None
    source: str | None
    occurred_at: float | None
    expires_at: float | None
    created_at: float
    superseded_by: str | None
    content: str
    archived: str | None
    """The batch that archived it."""
    trust: str
    via: str
    client: str
    supersedes: str | None = None
    versions: int = 0
    """Older ones behind it."""
    newest: str | None = None
    """The newest version, where another than `superseded_by`."""
    tags: tuple[str, ...] = ()
    similar_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """What a memory says, and its public id."""

    id: int
    uid: str
    content: str


HASH_BYTES = 16
COLUMNS = (
    "uid, ns, thread, thread_position, kind, importance, persona, speaker, source, "
    "occurred_at, expires_at, created_at, content_hash, content, origin"
)
EDITABLE = frozenset(
    {"kind", "importance", "persona", "speaker", "source", "occurred_at", "expires_at"}
)
NAMES = tuple(COLUMNS.split(", "))
INSERT = (
    f"INSERT INTO memory({COLUMNS}, asks, chars) VALUES ({'?, ' * len(NAMES)}?, ?) RETURNING id"
)
RECORD = (
    "SELECT m.id, m.uid, m.ns, n.name, t.name, m.kind, m.importance, m.persona, m.speaker, "
    "m.source, m.occurred_at, m.expires_at, m.created_at, nullif(newer.uid, m.uid), m.content, "
    "batch.uid, coalesce(o.trust, 'agent'), coalesce(o.via, ''), coalesce(o.client, '') "
    "FROM json_each(:keys) j CROSS JOIN memory m ON m.id = j.value "
    "JOIN namespace n ON n.id = m.ns "
    "LEFT JOIN thread t ON t.id = m.thread LEFT JOIN memory newer ON newer.id = m.superseded_by "
    "LEFT JOIN origin o ON o.id = m.origin LEFT JOIN archived a ON a.memory = m.id "
    "LEFT JOIN archive batch ON batch.id = a.archive "
    "ORDER BY j.key"
)


def insert(db: Connection, new: NewMemory) -> int:
    """Write a memory and its tags; return its key."""
    values = [getattr(new, name) for name in NAMES]
    row = db.row(INSERT, (*values, int(new.asks), len(new.content)))
    assert row is not None
    add_tags(db, new.ns, row[0], new.tags)
    return int(row[0])


def add_tags(db: Connection, ns: int, memory: int, tags: Iterable[str]) -> bool:
    """Tag a memory, and tell whether a tag was new to it."""
    added = [
        db.run(
            "INSERT OR IGNORE INTO memory_tag(ns, tag, memory) VALUES (?, ?, ?)", (ns, tag, memory)
        )
        for tag in tags
    ]
    return any(added)


def edit(db: Connection, memory: int, values: Mapping[str, object]) -> None:
    """Set columns of a memory; their names are ours, never a caller's."""
    assert set(values) <= EDITABLE
    if values:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        db.run(f"UPDATE memory SET {columns} WHERE id = :id", {**values, "id": memory})


def set_tags(db: Connection, ns: int, memory: int, tags: Iterable[str]) -> None:
    """Give a memory these tags and no others."""
    db.run("DELETE FROM memory_tag WHERE memory = ?", (memory,))
    add_tags(db, ns, memory, tags)


def extend_life(db: Connection, memory: int, expires_at: float | None) -> None:
    """Let a memory last at least until then; None: for ever."""
    db.run(
        "UPDATE memory SET expires_at = CASE WHEN :until IS NULL THEN NULL "
        "ELSE max(expires_at, :until) END WHERE id = :id AND expires_at IS NOT NULL",
        {"until": expires_at, "id": memory},
    )


def same_text(db: Connection, ns: int, content_hash: bytes, now: float) -> tuple[int, str] | None:
    """Return key and public id of the oldest memory with that text that recall would still show."""
    return db.row(
        "SELECT m.id, m.uid FROM memory m WHERE m.ns = :ns AND m.content_hash = :hash "
        f"AND {CURRENT} AND (m.expires_at IS NULL OR m.expires_at > :now) ORDER BY m.id LIMIT 1",
        {"ns": ns, "hash": content_hash, "now": now},
    )


def same_texts(
    db: Connection, ns: int, hashes: Sequence[bytes], now: float
) -> dict[bytes, tuple[int, str]]:
    """Return by hash what `same_text` returns, of those texts that are there."""
    # JSON holds no bytes: it says where in a row of hashes each begins.
    places = [1 + HASH_BYTES * place for place in range(len(hashes))]
    rows = db.rows(
        "SELECT m.content_hash, m.id, m.uid FROM json_each(:places) j CROSS JOIN memory m "
        "ON m.ns = :ns AND m.content_hash = substr(:hashes, j.value, :size) "
        f"WHERE {CURRENT} AND (m.expires_at IS NULL OR m.expires_at > :now) ORDER BY m.id DESC",
        {"ns": ns, "places": json.dumps(places), "hashes": b"".join(hashes), "now": now}
        | {"size": HASH_BYTES},
    )
    return {digest: (key, uid) for digest, key, uid in rows}


def uids_taken(db: Connection, uids: Sequence[str]) -> bool:
    """Tell whether one of the public ids is in use."""
    sql = "SELECT 1 FROM json_each(?) j CROSS JOIN memory m ON m.uid = j.value LIMIT 1"
    return db.row(sql, (json.dumps(uids),)) is not None


def keys_of(db: Connection, uids: Sequence[str], namespaces: Sequence[int]) -> dict[str, int]:
    """Return the keys of memories by public id, forgotten ones left out."""
    rows = db.rows(
        "SELECT m.uid, m.id FROM json_each(:uids) j CROSS JOIN memory m ON m.uid = j.value "
        "WHERE m.forgotten_at IS NULL "
        "AND m.ns IN (SELECT value FROM json_each(:namespaces))",
        {"uids": json.dumps(uids), "namespaces": json.dumps(namespaces)},
    )
    return dict(rows)


def namespaces_of(db: Connection, keys: Sequence[int]) -> list[tuple[int, int]]:
    """Return (key, namespace) of memories."""
    sql = "SELECT m.id, m.ns FROM json_each(?) j CROSS JOIN memory m ON m.id = j.value"
    return [(row[0], row[1]) for row in db.rows(sql, (json.dumps(keys),))]


def records(db: Connection, keys: Sequence[int]) -> list[Record]:
    """Return memories with tags and links, in the order of their keys."""
    wanted = {"keys": json.dumps(keys)}
    tags, similar, older = _tags(db, wanted), _similar(db, wanted), _older(db, wanted)
    found = [Record(*row) for row in db.rows(RECORD, wanted)]
    counts = chains.older_counts(db, list(older))
    newest = chains.newest(db, [one.id for one in found if one.superseded_by])
    return [
        replace(
            one,
            supersedes=older.get(one.id),
            versions=counts.get(one.id, 0),
            newest=newest.get(one.id),
            tags=tags.get(one.id, ()),
            similar_to=similar.get(one.id, ()),
        )
        for one in found
    ]


def _tags(db: Connection, wanted: Mapping[str, object]) -> dict[int, tuple[str, ...]]:
    sql = (
        "SELECT g.memory, json_group_array(g.tag) FROM json_each(:keys) j "
        "CROSS JOIN memory_tag g ON g.memory = j.value GROUP BY g.memory"
    )
    return {memory: tuple(sorted(json.loads(tags))) for memory, tags in db.rows(sql, wanted)}


def _similar(db: Connection, wanted: Mapping[str, object]) -> dict[int, tuple[str, ...]]:
    links = (
        "SELECT s.memory AS one, s.other AS two, s.similarity FROM json_each(:keys) j "
        "CROSS JOIN memory_similar s ON s.memory = j.value UNION ALL "
        "SELECT s.other, s.memory, s.similarity FROM json_each(:keys) j "
        "CROSS JOIN memory_similar s ON s.other = j.value"
    )
    sql = (
        f"SELECT l.one, m.uid FROM ({links}) l CROSS JOIN memory m ON m.id = l.two "
        f"WHERE {CURRENT} ORDER BY l.similarity DESC, m.id"
    )
    found: dict[int, tuple[str, ...]] = {}
    for memory, uid in db.rows(sql, wanted):
        found[memory] = (*found.get(memory, ()), uid)
    return found


def _older(db: Connection, wanted: Mapping[str, object]) -> dict[int, str]:
    sql = (
        "SELECT o.superseded_by, o.uid FROM json_each(:keys) j CROSS JOIN memory o "
        "ON o.superseded_by = j.value WHERE o.forgotten_at IS NULL AND o.id <> j.value "
        "AND NOT EXISTS (SELECT 1 FROM archived a WHERE a.memory = o.id) ORDER BY o.id"
    )
    return dict(db.rows(sql, wanted))


def texts(db: Connection, keys: Sequence[int]) -> list[Text]:
    """Return the texts of memories, in the order of their keys."""
    rows = db.rows(
        "SELECT m.id, m.uid, m.content FROM json_each(?) j CROSS JOIN memory m ON m.id = j.value "
        "ORDER BY j.key",
        (json.dumps(keys),),
    )
    return [Text(*row) for row in rows]


def newest(
    db: Connection, ns: int, chosen: Filter, before: int | None, limit: int
) -> list[tuple[float, int]]:
    """Return (stored at, key) of a namespace's memories, newest first, older than `before`."""
    where, params = _older_than(before, chosen, ns)
    # A thread is short beside its namespace, and has an index of its own.
    index = "memory_in_thread" if chosen.thread else "memory_newest"
    return db.rows(
        f"SELECT m.created_at, m.id FROM memory m INDEXED BY {index} "
        f"WHERE {where} ORDER BY m.created_at DESC, m.id DESC LIMIT :limit",
        params | {"limit": limit},
    )


def _older_than(before: int | None, chosen: Filter, ns: int) -> tuple[str, dict[str, object]]:
    where, params = f"m.ns = :ns AND {chosen.where_walking}", {**chosen.params, "ns": ns}
    if not before:
        return where, params
    older = "(m.created_at, m.id) < (SELECT b.created_at, b.id FROM memory b WHERE b.id = :before)"
    return f"{where} AND {older}", params | {"before": before}


def count(db: Connection, ns: int, chosen: Filter, before: int | None = None) -> int:
    """Return how many memories of a namespace a recall may see, those older than `before`."""
    where, params = _older_than(before, chosen, ns)
    row = db.row(f"SELECT count(*) FROM memory m WHERE {where}", params)
    assert row is not None
    return int(row[0])


def counted(db: Connection, ns: int, limit: int) -> int:
    """Return how many current memories a namespace has, counted up to a limit."""
    row = db.row(
        "SELECT count(*) FROM (SELECT 1 FROM memory m INDEXED BY memory_newest "
        f"WHERE m.ns = ? AND {CURRENT} LIMIT ?)",
        (ns, limit),
    )
    assert row is not None
    return int(row[0])


def link(db: Connection, memory: int, others: Iterable[tuple[int, float]]) -> None:
    """Note that a memory says nearly the same as others."""
    db.run_many(
        "INSERT OR REPLACE INTO memory_similar(memory, other, similarity) VALUES (?, ?, ?)",
        ((memory, other, similarity) for other, similarity in others),
    )
