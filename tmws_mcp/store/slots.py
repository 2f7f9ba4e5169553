"""Slots of all actors of a namespace, as federation keeps them; what they mean it knows alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tmws_mcp.model.federation import Mark, Slot
from tmws_mcp.store.driver import Connection

COLUMNS = "key, gen, seq, body"
ASKED_EACH = 400
TAGS_MAX = 10_000
TAGS_PRUNED_EACH = 128
"""About one push in so many counts the tags, which costs a scan."""
NO_SEQ = 2**62


@dataclass(frozen=True, slots=True)
class Link:
    """How far a shared namespace has come."""

    epoch: str = ""
    cursor: str = "0"
    exported: int = 0
    pushed: int = 0
    acknowledged: int = 0
    digests: int = 0
    """Of which form the digests of its actors are."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What is here of an actor."""

    vv: int = 0
    tag: bytes = b""
    digest: int = 0


def link(db: Connection, ns: int) -> Link:
    """Return how far the namespace has come."""
    row = db.row(
        "SELECT epoch, cursor, exported, pushed, acknowledged, digests FROM link WHERE ns = ?",
        (ns,),
    )
    return Link(*row) if row else Link()


def linked(db: Connection) -> tuple[int, ...]:
    """Return the namespaces that were ever shared."""
    return tuple(row[0] for row in db.rows("SELECT ns FROM link ORDER BY ns"))


def move_link(db: Connection, ns: int, **changes: str | int) -> None:
    """Set some of epoch, cursor, exported, pushed, acknowledged, digests."""
    assert set(changes) <= {"epoch", "cursor", "exported", "pushed", "acknowledged", "digests"}
    if not changes or not _set_link(db, ns, changes):
        db.run("INSERT OR IGNORE INTO link(ns) VALUES (?)", (ns,))
        if changes:
            _set_link(db, ns, changes)


def _set_link(db: Connection, ns: int, changes: Mapping[str, str | int]) -> int:
    names = ", ".join(f"{name} = ?" for name in changes)
    return db.run(f"UPDATE link SET {names} WHERE ns = ?", (*changes.values(), ns))


def find(db: Connection, ns: int, actor: str, keys: Sequence[bytes]) -> dict[bytes, Slot]:
    """Return those of an actor's slots that are known."""
    found: dict[bytes, Slot] = {}
    for start in range(0, len(keys), ASKED_EACH):
        some = keys[start : start + ASKED_EACH]
        marks = ",".join("?" * len(some))
        rows = db.rows(
            f"SELECT {COLUMNS} FROM slot WHERE ns = ? AND actor = ? AND key IN ({marks})",
            (ns, actor, *some),
        )
        found |= {row[0]: Slot(*row) for row in rows}
    return found


def put(db: Connection, ns: int, actor: str, slots: Iterable[Slot]) -> None:
    """Keep these states of an actor's slots, whatever was there."""
    db.run_many(
        "INSERT INTO slot(ns, actor, key, gen, seq, body) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET gen = excluded.gen, seq = excluded.seq, body = excluded.body",
        ((ns, actor, *slot) for slot in slots),
    )


def drop(db: Connection, ns: int, actor: str, keys: Iterable[bytes]) -> None:
    """Drop slots as if they had never been."""
    db.run_many(
        "DELETE FROM slot WHERE ns = ? AND actor = ? AND key = ?",
        ((ns, actor, key) for key in keys),
    )


def of_actor(
    db: Connection, ns: int, actor: str, *, above: int = 0, upto: int = NO_SEQ, limit: int = -1
) -> list[Slot]:
    """Return an actor's slots with above < seq <= upto, in the order of their numbers."""
    rows = db.rows(
        f"SELECT {COLUMNS} FROM slot INDEXED BY slot_seq "
        "WHERE ns = ? AND actor = ? AND seq > ? AND seq <= ? "
        "ORDER BY seq, key LIMIT ?",
        (ns, actor, above, upto, limit),
    )
    return [Slot(*row) for row in rows]


def of_key(db: Connection, ns: int, key: bytes) -> list[tuple[str, Slot]]:
    """Return the slots of all actors for one thing, in the order of the actors."""
    rows = db.rows(
        # Left alone, SQLite would scan all slots to have the actors in order.
        f"SELECT actor, {COLUMNS} FROM slot INDEXED BY slot_key WHERE ns = ? AND key = ? "
        "ORDER BY actor",
        (ns, key),
    )
    return [(row[0], Slot(*row[1:])) for row in rows]


def of_keys(db: Connection, ns: int, keys: Sequence[bytes]) -> dict[bytes, dict[str, Slot]]:
    """Return the slots of all actors for each of these things that has some."""
    found: dict[bytes, dict[str, Slot]] = {}
    for start in range(0, len(keys), ASKED_EACH):
        some = keys[start : start + ASKED_EACH]
        marks = ",".join("?" * len(some))
        rows = db.rows(
            f"SELECT actor, {COLUMNS} FROM slot INDEXED BY slot_key "
            f"WHERE ns = ? AND key IN ({marks}) ORDER BY key, actor",
            (ns, *some),
        )
        for actor, *slot in rows:
            found.setdefault(slot[0], {})[actor] = Slot(*slot)
    return found


def holding(db: Connection, ns: int, part: bytes) -> list[tuple[bytes, bytes]]:
    """Return (key, body) of all full slots that hold these bytes; it looks at each slot."""
    return db.rows(
        "SELECT key, body FROM slot WHERE ns = ? AND body <> x'' "
        "AND (instr(key, ?) OR instr(body, ?))",
        (ns, part, part),
    )


def has_kinds(db: Connection, ns: int, kinds: Sequence[bytes]) -> bool:
    """Tell whether any actor has a slot whose key begins with one of these bytes."""
    return any(
        db.row(
            "SELECT 1 FROM slot INDEXED BY slot_key WHERE ns = ? AND key >= ? AND key < ? LIMIT 1",
            (ns, kind, bytes([kind[0] + 1])),
        )
        for kind in kinds
    )


def greatest_gens(db: Connection, ns: int, keys: Sequence[bytes]) -> dict[bytes, int]:
    """Return the greatest gen of any actor's slot for each of these things that has one."""
    found: dict[bytes, int] = {}
    for start in range(0, len(keys), ASKED_EACH):
        some = keys[start : start + ASKED_EACH]
        marks = ",".join("?" * len(some))
        found |= dict(
            db.rows(
                "SELECT key, max(gen) FROM slot INDEXED BY slot_key "
                f"WHERE ns = ? AND key IN ({marks}) GROUP BY key",
                (ns, *some),
            )
        )
    return found


def peers(db: Connection, ns: int) -> dict[str, Peer]:
    """Return what is here of each actor."""
    rows = db.rows("SELECT actor, vv, tag, digest FROM peer WHERE ns = ? ORDER BY actor", (ns,))
    return {row[0]: Peer(*row[1:]) for row in rows}


def peer(db: Connection, ns: int, actor: str) -> Peer:
    """Return what is here of one actor."""
    row = db.row("SELECT vv, tag, digest FROM peer WHERE ns = ? AND actor = ?", (ns, actor))
    return Peer(*row) if row else Peer()


def set_digest(db: Connection, ns: int, actor: str, digest: int) -> None:
    """Set the digest of an actor's slots."""
    db.run(
        "INSERT INTO peer(ns, actor, digest) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET digest = excluded.digest",
        (ns, actor, digest),
    )


def set_mark(db: Connection, ns: int, actor: str, mark: Mark) -> None:
    """Set up to where an actor's slots are all here."""
    db.run(
        "INSERT INTO peer(ns, actor, vv, tag) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET vv = excluded.vv, tag = excluded.tag",
        (ns, actor, mark.seq, mark.tag),
    )


def bases(db: Connection, ns: int, upto: int) -> dict[bytes, Slot]:
    """Return the last states up to a number of own slots that have changed since."""
    rows = db.rows(
        f"SELECT {COLUMNS} FROM slot_base WHERE ns = ? AND seq <= ? ORDER BY seq", (ns, upto)
    )
    return {row[0]: Slot(*row) for row in rows}


def keep_bases(db: Connection, ns: int, slots: Iterable[Slot]) -> None:
    """Keep states that were sent, before they are changed."""
    db.run_many(
        "INSERT OR IGNORE INTO slot_base VALUES (?, ?, ?, ?, ?)", ((ns, *slot) for slot in slots)
    )


def drop_base(db: Connection, ns: int, key: bytes) -> None:
    """Drop what was kept of one slot."""
    db.run("DELETE FROM slot_base WHERE ns = ? AND key = ?", (ns, key))


def drop_all_bases(db: Connection, ns: int) -> None:
    """Drop all bases: the newest state of each own slot has arrived."""
    db.run("DELETE FROM slot_base WHERE ns = ?", (ns,))


def drop_bases(db: Connection, ns: int, actor: str, upto: int) -> None:
    """Drop the bases of own slots of which a newer state up to a number has arrived."""
    db.run(
        "DELETE FROM slot_base WHERE ns = ? AND (EXISTS (SELECT 1 FROM slot s "
        "WHERE s.ns = slot_base.ns AND s.actor = ? AND s.key = slot_base.key AND s.seq <= ?) "
        "OR EXISTS (SELECT 1 FROM slot_base b WHERE b.ns = slot_base.ns "
        "AND b.key = slot_base.key AND b.seq > slot_base.seq AND b.seq <= ?))",
        (ns, actor, upto, upto),
    )


def drop_bases_above(db: Connection, ns: int, seq: int) -> None:
    """Drop states that were kept as sent, and were refused."""
    db.run("DELETE FROM slot_base WHERE ns = ? AND seq > ?", (ns, seq))


def forget_pushes(db: Connection, ns: int) -> None:
    """Begin anew as an actor that has pushed nothing."""
    db.run("DELETE FROM slot_base WHERE ns = ?", (ns,))
    db.run("DELETE FROM push_tag WHERE ns = ?", (ns,))


def add_tag(db: Connection, ns: int, tag: bytes, seq: int) -> None:
    """Keep a tag, with the number up to which was pushed, before anybody can see it."""
    db.run("INSERT INTO push_tag VALUES (?, ?, ?)", (ns, tag, seq))
    if tag[0] % TAGS_PRUNED_EACH == 0:  # tags are random
        db.run(
            "DELETE FROM push_tag WHERE ns = ? AND tag IN (SELECT tag FROM push_tag "
            "WHERE ns = ? ORDER BY n DESC, tag LIMIT -1 OFFSET ?)",
            (ns, ns, TAGS_MAX),
        )


def knows_tag(db: Connection, ns: int, tag: bytes) -> bool:
    """Tell whether an own push left the tag."""
    return db.row("SELECT 1 FROM push_tag WHERE ns = ? AND tag = ?", (ns, tag)) is not None


def own_tags(db: Connection, ns: int, above: int) -> dict[bytes, int]:
    """Return the tags of own pushes that went further than a number, each with how far."""
    return dict(db.rows("SELECT tag, n FROM push_tag WHERE ns = ? AND n > ?", (ns, above)))


def drop_link(db: Connection, ns: int) -> None:
    """Drop all that was shared in a namespace; what learning counts is not touched."""
    for table in ("slot", "slot_base", "push_tag", "peer", "link"):
        db.run(f"DELETE FROM {table} WHERE ns = ?", (ns,))


def sums(db: Connection, ns: int) -> dict[str, tuple[int, int, int]]:
    """Return of each actor how many slots are here, how many are redacted, and their bytes."""
    rows = db.rows(
        "SELECT actor, count(*), sum(body = x''), sum(length(key) + length(body)) FROM slot "
        "WHERE ns = ? GROUP BY actor",
        (ns,),
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def waiting(db: Connection, ns: int, actor: str, acknowledged: int) -> int:
    """Return how many of an actor's slots have changed since a number."""
    row = db.row(
        "SELECT count(*) FROM slot WHERE ns = ? AND actor = ? AND seq > ?",
        (ns, actor, acknowledged),
    )
    return int(row[0]) if row else 0


def count_of_kinds(db: Connection, ns: int, kinds: Sequence[bytes]) -> int:
    """Return how many slots have a key that begins with one of these bytes."""
    total = 0
    for kind in kinds:
        row = db.row(
            "SELECT count(*) FROM slot WHERE ns = ? AND key >= ? AND key < ?",
            (ns, kind, bytes([kind[0] + 1])),
        )
        total += int(row[0]) if row else 0
    return total
