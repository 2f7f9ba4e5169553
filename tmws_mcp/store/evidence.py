"""Counts: how often an action followed a context, and how well it went.

Each row is a slot: its actor alone writes it, its totals are absolute, and `seq` rises with each
change, so that two stores merge by "the greater (gen, seq) wins". Sums over the actors are made on
reading. A transaction writes a slot once, however many of its steps changed it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from tmws_mcp.store import actor
from tmws_mcp.store.driver import Connection, Row

ACTIONS_READ_MAX = 2_000
"""So many actions of one context are read: beyond, the counts of one are too thin to matter."""
CONTEXT_ROWS_MAX = 200_000
OUTCOME_ROWS_MAX = 200_000
TOKENS_MAX = 2**53
"""A sum of more would not fit into a number of JSON, and in the end not into an integer column."""
PRUNED_EACH = 65_536
"""Counting the rows costs a scan: one in so many changes of a slot pays for it."""
OTHER_NUMBERS = 4
"""Tasks take numbers in the same transaction: the round one may be among those."""
ROOM_SHARE = 5
"""A prune drops a fifth more than it must: it costs a scan of the table, and must last a while."""

OUTSIDE_WEIGHT = 2
"""An outcome that tests, an exit code or a user judged weighs as much as two that an agent did."""
KEPT_MAX = 4
"""What was counted before a change weighs as much as so many runs: as a prior, no more."""
SLOT = (
    "action, actor, n, ok, tokens, metered, durations, last_at, "
    "before_n, before_ok, gen, changed_at, outside_n, outside_ok"
)

Context = tuple[str, str, str]
"""kind, key, action"""


@dataclass(slots=True)
class Tally:
    """How well an action went."""

    n: int = 0
    ok: int = 0
    tokens: int = 0
    metered: int = 0
    durations: dict[int, int] = field(default_factory=dict)
    """Bucket of the duration (learning/durations.py) -> how often."""
    actors: frozenset[str] = frozenset()
    last_at: float = 0.0
    before_n: int = 0
    """Counted before a change was noticed: of them `n` and `ok` hold only what is kept below."""
    before_ok: int = 0
    kept_n: int = 0
    kept_ok: int = 0
    epoch: int = 0
    """How many changes were noticed."""
    changed_at: float = 0.0
    """When the newest change was noticed; 0.0: never."""
    outside_n: int = 0
    """Of `n`, those that tests, an exit code or a user judged, and not the agent itself."""
    outside_ok: int = 0

    @property
    def weighed_n(self) -> int:
        """How often it was counted, with what was judged from outside OUTSIDE_WEIGHT times."""
        return self.n + (OUTSIDE_WEIGHT - 1) * self.outside_n

    @property
    def weighed_ok(self) -> int:
        """How often it went well, weighed like `weighed_n`."""
        return self.ok + (OUTSIDE_WEIGHT - 1) * self.outside_ok

    @property
    def fresh_n(self) -> int:
        """How often it was counted since it changed, or at all."""
        return self.n - self.kept_n

    @property
    def fresh_ok(self) -> int:
        """How often it went well since it changed, or at all."""
        return self.ok - self.kept_ok

    @property
    def got_worse(self) -> bool:
        """Tell whether it works less often since it changed than before."""
        return self.fresh_ok * self.before_n < self.before_ok * self.fresh_n

    def add(self, other: "Tally") -> None:
        """Add another's counts."""
        self.n += other.n
        self.ok += other.ok
        self.tokens += other.tokens
        self.metered += other.metered
        for bucket, n in other.durations.items():
            self.durations[bucket] = self.durations.get(bucket, 0) + n
        self.actors |= other.actors
        self.last_at = max(self.last_at, other.last_at)
        self.before_n += other.before_n
        self.before_ok += other.before_ok
        self.kept_n += other.kept_n
        self.kept_ok += other.kept_ok
        self.epoch = max(self.epoch, other.epoch)
        self.changed_at = max(self.changed_at, other.changed_at)
        self.outside_n += other.outside_n
        self.outside_ok += other.outside_ok


def add(
    db: Connection,
    ns: int,
    contexts: Mapping[Context, int],
    outcomes: Mapping[Context, Tally],
    now: float,
) -> bool:
    """Add to the own slots; tells whether rows were pruned before.

    The numbers of the slots are taken at once.
    """
    if not contexts and not outcomes:
        return False
    me, numbers, pruned = _numbers(db, ns, len(contexts) + len(outcomes))
    if contexts:
        _add_contexts(db, ns, contexts, me, numbers[: len(contexts)])
    if outcomes:
        _add_outcomes(db, ns, outcomes, me, numbers[len(contexts) :], now)
    return pruned


def add_contexts(db: Connection, ns: int, changes: Mapping[Context, int]) -> None:
    """Add to the own slots of contexts."""
    add(db, ns, changes, {}, 0.0)


def _add_contexts(
    db: Connection, ns: int, changes: Mapping[Context, int], me: str, numbers: range
) -> None:
    db.run_many(
        "INSERT INTO context(ns, kind, key, action, actor, seq, n) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET n = n + excluded.n, seq = excluded.seq",
        ((ns, *slot, me, seq, n) for seq, (slot, n) in zip(numbers, changes.items(), strict=True)),
    )


def _numbers(db: Connection, ns: int, changes: int) -> tuple[str, range, bool]:
    """Return the actor and a number for each change; now and then make room for them."""
    me, numbers = actor.next_slots(db, changes)
    is_due = (numbers.start - OTHER_NUMBERS) // PRUNED_EACH != numbers.stop // PRUNED_EACH
    if is_due:
        prune(db, ns, contexts_max=CONTEXT_ROWS_MAX, outcomes_max=OUTCOME_ROWS_MAX)
    return me, numbers, is_due


def add_outcomes(db: Connection, ns: int, changes: Mapping[Context, Tally], now: float) -> None:
    """Add to the own slots of outcomes."""
    add(db, ns, {}, changes, now)


def _add_outcomes(
    db: Connection, ns: int, changes: Mapping[Context, Tally], me: str, numbers: range, now: float
) -> None:
    db.run_many(
        "INSERT INTO outcome(ns, kind, key, action, actor, seq, n, ok, tokens, metered, "
        "durations, last_at, outside_n, outside_ok) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET seq = excluded.seq, n = n + excluded.n, "
        "ok = ok + excluded.ok, tokens = min(tokens + excluded.tokens, ?), "
        "metered = metered + excluded.metered, last_at = max(last_at, excluded.last_at), "
        "outside_n = outside_n + excluded.outside_n, "
        "outside_ok = outside_ok + excluded.outside_ok, "
        "durations = iif(?, excluded.durations, durations)",
        [
            (
                ns, *slot, me, seq, change.n, change.ok, change.tokens, change.metered,
                _merged_durations(db, (ns, *slot, me), change.durations), now,
                change.outside_n, change.outside_ok, TOKENS_MAX, bool(change.durations),
            )
            for seq, (slot, change) in zip(numbers, changes.items(), strict=True)
        ],
    )  # fmt: skip


def _merged_durations(db: Connection, slot: Sequence[object], new: Mapping[int, int]) -> str:
    if not new:
        return "{}"
    row = db.row(
        "SELECT durations FROM outcome "
        "WHERE ns = ? AND kind = ? AND key = ? AND action = ? AND actor = ?",
        slot,
    )
    merged = _durations(row[0]) if row else {}
    for bucket, n in new.items():
        merged[bucket] = merged.get(bucket, 0) + n
    return json.dumps(dict(sorted(merged.items())), separators=(",", ":"))


def _durations(text: str) -> dict[int, int]:
    return {} if text == "{}" else {int(bucket): n for bucket, n in json.loads(text).items()}


def followers(db: Connection, ns: int, kind: str, keys: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return for each context that was counted which actions followed it, and how often."""
    found: dict[str, dict[str, int]] = {}
    rows = db.rows(
        f"SELECT key, action, sum(n) FROM context WHERE ns = ? AND kind = ? "
        f"AND key IN ({_marks(keys)}) GROUP BY key, action LIMIT ?",
        (ns, kind, *keys, ACTIONS_READ_MAX * len(keys)),
    )
    for key, action, n in rows:
        found.setdefault(key, {})[action] = n
    return found


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def tallies(db: Connection, ns: int, kind: str, key: str) -> dict[str, Tally]:
    """Return how well each action went in a context."""
    rows = db.rows(
        f"SELECT {SLOT} FROM outcome WHERE ns = ? AND kind = ? AND key = ? LIMIT ?",
        (ns, kind, key, ACTIONS_READ_MAX),
    )
    return _by_action(rows)


def tallies_of(
    db: Connection, ns: int, kind: str, key: str, actions: Sequence[str]
) -> dict[str, Tally]:
    """Return how well each of these actions went in a context."""
    rows = db.rows(
        f"SELECT {SLOT} FROM outcome "
        f"WHERE ns = ? AND kind = ? AND key = ? AND action IN ({_marks(actions)})",
        (ns, kind, key, *actions),
    )
    return _by_action(rows)


def _by_action(rows: Iterable[Row]) -> dict[str, Tally]:
    return {action: total(slots) for action, slots in groupby(rows, itemgetter(0))}


def actions(db: Connection, ns: int, kind: str, key: str) -> tuple[str, ...]:
    """Return the actions that were taken in a context."""
    rows = db.rows(
        "SELECT DISTINCT action FROM outcome WHERE ns = ? AND kind = ? AND key = ? LIMIT ?",
        (ns, kind, key, ACTIONS_READ_MAX),
    )
    return tuple(row[0] for row in rows)


def tally(db: Connection, ns: int, kind: str, key: str, action: str) -> Tally:
    """Return how well one action went in a context; a tally of zeros where it was never taken."""
    rows = db.rows(
        f"SELECT {SLOT} FROM outcome WHERE ns = ? AND kind = ? AND key = ? AND action = ?",
        (ns, kind, key, action),
    )
    return total(rows)


def others(db: Connection, ns: int, kind: str, key: str, action: str) -> Tally:
    """Return how well all other actions went in a context, together."""
    together = Tally()
    for other, part in tallies(db, ns, kind, key).items():
        if other != action:
            together.add(part)
    return together


def total(slots: Iterable[Row]) -> Tally:
    """Return the sum of the slots of one action, rows of the columns SLOT."""
    found: Tally | None = None
    for slot in slots:
        part = _part(*slot[1:])
        if found is None:
            found = part
        else:
            found.add(part)
    return found or Tally()


def _part(
    owner: str, n: int, ok: int, tokens: int, metered: int, durations: str, last_at: float,
    before_n: int, before_ok: int, epoch: int, changed_at: float | None,
    outside_n: int, outside_ok: int,
) -> Tally:  # fmt: skip
    """Return one slot's counts; those from before a change count as KEPT_MAX runs at most."""
    part = Tally(n, ok, tokens, metered, _durations(durations), frozenset([owner]), last_at)
    part.outside_n, part.outside_ok = outside_n, outside_ok
    if changed_at is not None:
        part.before_n, part.before_ok = before_n, before_ok
        part.epoch, part.changed_at = epoch, changed_at
        part.kept_n = min(before_n, KEPT_MAX)
        part.kept_ok = round(part.kept_n * before_ok / max(before_n, 1))
        part.n -= before_n - part.kept_n
        part.ok -= before_ok - part.kept_ok
    return part


def is_empty(db: Connection, ns: int) -> bool:
    """Tell whether nothing was ever counted in a namespace."""
    return db.row("SELECT 1 FROM outcome WHERE ns = ? LIMIT 1", (ns,)) is None


def prune(db: Connection, ns: int, *, contexts_max: int, outcomes_max: int) -> int:
    """Drop the rarest contexts and the outcomes unseen for longest; return how many rows."""
    dropped = 0
    for table, order, most in (
        ("context", "n", contexts_max),
        ("outcome", "last_at", outcomes_max),
    ):
        row = db.row(f"SELECT count(*) FROM {table} WHERE ns = ?", (ns,))
        surplus = (row[0] if row else 0) - most
        if surplus > 0:
            dropped += db.run(
                f"DELETE FROM {table} WHERE (ns, kind, key, action, actor) IN (SELECT ns, kind, "
                f"key, action, actor FROM {table} WHERE ns = ? ORDER BY {order} LIMIT ?)",
                (ns, surplus + most // ROOM_SHARE),
            )
    return dropped
