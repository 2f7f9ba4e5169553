"""Tasks, the words that they are found by, and the newest runs for each.

Words lie here as fingerprints: they are only ever compared, and those of other instances' tasks
come as nothing else.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log, sqrt

from tmws_mcp.store import actor
from tmws_mcp.store.driver import Connection

TASKS_MAX = 20_000
TASKS_PRUNED_EACH = 64
SEEN_SECONDS = 60
"""That a task was met again is noted so often: which are dropped first need not be known closer."""
RUNS_MAX = 12
QUERY_WORDS_MAX = 32
POSTINGS_MAX = 300
"""Tasks looked at for each word: a word that stands in more of them tells little."""
CANDIDATES_MAX = 40
CANDIDATES_ENOUGH = 4 * CANDIDATES_MAX
EVERY = ""
"""Counted as a word of each task, so that their number is known without a scan."""


@lru_cache(maxsize=50_000)
def word_key(word: str) -> str:
    """Return the fingerprint of a word, 16 hex digits; of EVERY it is EVERY."""
    if word == EVERY:
        return EVERY
    return hashlib.blake2b(b"word" + word.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Run:
    """What was done for a task, from beginning to end."""

    steps: tuple[tuple[str, bool], ...]
    """(tool, ok) each."""
    outcome: str
    at: float


@dataclass(frozen=True, slots=True)
class Task:
    """A task that was observed."""

    id: int
    hash: str
    text: str
    last_at: float

    def is_noted(self, task_hash: str, text: str, now: float) -> bool:
        """Tell whether that this task was met now need not be written down."""
        is_told = bool(self.text) or not text
        return self.hash == task_hash and is_told and self.last_at > now - SEEN_SECONDS


@dataclass(frozen=True, slots=True)
class Near:
    """A task like the one asked for."""

    task: int
    similarity: float
    """Cosine of the weighted words, 0 to 1."""


def find(db: Connection, ns: int, task_hash: str) -> int | None:
    """Return the task's key, or None where it was never observed."""
    row = db.row("SELECT id FROM task WHERE ns = ? AND hash = ?", (ns, task_hash))
    return int(row[0]) if row else None


def by_id(db: Connection, task: int) -> Task | None:
    """Return the task of that key, or None where it was pruned."""
    row = db.row("SELECT id, hash, text, last_at FROM task WHERE id = ?", (task,))
    return Task(*row) if row else None


def ensure(
    db: Connection, ns: int, task_hash: str, text: str, words: Mapping[str, int], now: float
) -> int:
    """Return the task's key; a new one is made and its words indexed."""
    row = db.row(
        "SELECT id, hash, text, last_at FROM task WHERE ns = ? AND hash = ?", (ns, task_hash)
    )
    if row:
        known = Task(*row)
        if not known.is_noted(task_hash, text, now):
            _seen(db, known.id, text, now)
        return known.id
    (seq,) = actor.next_seqs(db, 1)
    return _insert(db, ns, task_hash, text, {word_key(w): n for w, n in words.items()}, now, seq)


def _seen(db: Connection, task: int, text: str, now: float) -> None:
    db.run(
        "UPDATE task SET last_at = max(last_at, ?), text = iif(text = '', ?, text) WHERE id = ?",
        (now, text, task),
    )


def _insert(
    db: Connection, ns: int, task_hash: str, text: str, words: Mapping[str, int], now: float,
    seq: int,
) -> int:  # fmt: skip
    row = db.row(
        "INSERT INTO task(ns, hash, text, last_at, seq) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (ns, task_hash, text, now, seq),
    )
    assert row is not None
    _index(db, ns, row[0], words)
    if row[0] % TASKS_PRUNED_EACH == 0:
        prune(db, ns, TASKS_MAX)
    return int(row[0])


def take_in(db: Connection, ns: int, task_hash: str, words: Mapping[str, int], now: float) -> int:
    """Return the key of a task of another instance's; its words come as fingerprints."""
    known = find(db, ns, task_hash)
    return _insert(db, ns, task_hash, "", words, now, 0) if known is None else known


def _index(db: Connection, ns: int, task: int, words: Mapping[str, int]) -> None:
    db.run_many(
        "INSERT INTO task_word VALUES (?, ?, ?, ?)", ((ns, w, task, n) for w, n in words.items())
    )
    db.run_many(
        "INSERT INTO word VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1",
        ((ns, word) for word in (EVERY, *words)),
    )


def prune(db: Connection, ns: int, tasks_max: int) -> int:
    """Drop the tasks that were not met for longest, with their words and runs."""
    old = db.rows(
        "SELECT id FROM task WHERE ns = ? ORDER BY last_at DESC, id DESC LIMIT -1 OFFSET ?",
        (ns, tasks_max),
    )
    for (task,) in old:
        db.run(
            "UPDATE word SET tasks = tasks - 1 WHERE ns = ? AND (word = ? OR word IN "
            "(SELECT word FROM task_word WHERE task = ?))",
            (ns, EVERY, task),
        )
        db.run("DELETE FROM task WHERE id = ?", (task,))
    if old:
        db.run("DELETE FROM word WHERE ns = ? AND tasks <= 0", (ns,))
    return len(old)


def nearest(db: Connection, ns: int, words: Mapping[str, int], limit: int) -> tuple[Near, ...]:
    """Return the tasks that share most words with these, each weighted by its rarity."""
    words = {word_key(word): n for word, n in words.items()}
    known = _rarities(db, ns, words)
    rare = sorted(known, key=lambda word: (-known[word], word))[:QUERY_WORDS_MAX]
    weights = {word: known[word] * (1 + log(words[word])) for word in rare}
    found = _likenesses(db, ns, weights, _candidates(db, ns, weights, known))
    return tuple(sorted(found, key=lambda near: (-near.similarity, near.task))[:limit])


def _candidates(
    db: Connection, ns: int, weights: Mapping[str, float], known: Mapping[str, float]
) -> Sequence[int]:
    """Return the tasks that share the rarest words.

    `weights` begin with the rarest word. A common one is not looked up once rarer ones have found
    enough: it would only add to all of them, and its tasks are the most to read.
    """
    shared: dict[int, float] = {}
    for word, weight in weights.items():
        if len(shared) >= CANDIDATES_ENOUGH:
            break
        for task, n in db.rows(
            "SELECT task, n FROM task_word WHERE ns = ? AND word = ? ORDER BY task DESC LIMIT ?",
            (ns, word, POSTINGS_MAX),
        ):
            shared[task] = shared.get(task, 0.0) + weight * known[word] * (1 + log(n))
    # By what they share, then the oldest: what sorts is stable, and so needs no tuple for each.
    return sorted(sorted(shared), key=shared.__getitem__, reverse=True)[:CANDIDATES_MAX]


def _likenesses(
    db: Connection, ns: int, weights: Mapping[str, float], candidates: Sequence[int]
) -> list[Near]:
    """Return the cosine of each candidate's words with these weights."""
    length = sqrt(sum(weight * weight for weight in weights.values()))
    squares = dict.fromkeys(candidates, 0.0)
    products = dict.fromkeys(candidates, 0.0)
    for task, word, weight in _weights(db, ns, candidates):
        squares[task] += weight * weight
        products[task] += weight * weights.get(word, 0.0)
    return [
        Near(task, min(products[task] / (length * sqrt(squares[task])), 1.0)) for task in candidates
    ]


def _rarities(db: Connection, ns: int, words: Mapping[str, int]) -> dict[str, float]:
    """Return the inverse document frequency of those words that some task has."""
    marks = ",".join("?" * (len(words) + 1))
    found: dict[str, int] = dict(
        db.rows(
            f"SELECT word, tasks FROM word WHERE ns = ? AND word IN ({marks})",
            (ns, EVERY, *words),
        )
    )
    total = found.pop(EVERY, 0)
    return {word: _rarity(total, n) for word, n in found.items()}


def _rarity(total: int, n: int) -> float:
    return log(1 + (total + 1) / (n + 0.5))


def _weights(db: Connection, ns: int, of: Sequence[int]) -> Iterator[tuple[int, str, float]]:
    """Yield the words of tasks with their weights; rarities move, so they cannot be stored."""
    if not of:
        return
    total = count(db, ns)
    rows = db.rows(
        "SELECT t.task, t.word, t.n, w.tasks "
        "FROM task_word t JOIN word w ON w.ns = t.ns AND w.word = t.word "
        f"WHERE t.task IN ({','.join('?' * len(of))})",
        of,
    )
    rarities = {tasks: _rarity(total, tasks) for tasks in {row[3] for row in rows}}
    for task, word, n, tasks in rows:
        yield task, word, rarities[tasks] * (1 + log(n))


def with_runs(db: Connection, of: Sequence[int]) -> frozenset[int]:
    """Return those of the tasks that a run is kept for."""
    if not of:
        return frozenset()
    rows = db.rows(f"SELECT DISTINCT task FROM run WHERE task IN ({','.join('?' * len(of))})", of)
    return frozenset(task for (task,) in rows)


def keep_run(db: Connection, session: int, number: int, *, task: int, run: Run) -> None:
    """Keep a run for its task, in place of an earlier state of the same run."""
    db.run(
        "INSERT OR REPLACE INTO run(session, number, task, steps, outcome, at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (session, number, task, json.dumps(run.steps, separators=(",", ":")), run.outcome, run.at),
    )
    if session > 0:  # others' runs are not told as one's own
        (seq,) = actor.next_seqs(db, 1)
        db.run("UPDATE task SET seq = ? WHERE id = ?", (seq, task))
    db.run(
        "DELETE FROM run WHERE (session, number) IN (SELECT session, number FROM run "
        "WHERE task = ? ORDER BY at DESC, session DESC, number DESC LIMIT -1 OFFSET ?)",
        (task, RUNS_MAX),
    )


def find_run(db: Connection, session: int, number: int) -> tuple[int, str] | None:
    """Return task and outcome of a run that is kept, or None."""
    row = db.row(
        "SELECT task, outcome FROM run WHERE session = ? AND number = ?", (session, number)
    )
    return (int(row[0]), str(row[1])) if row else None


def runs(db: Connection, task: int, limit: int) -> tuple[Run, ...]:
    """Return the newest runs for a task."""
    return runs_of(db, [task], limit)[task]


def runs_of(db: Connection, of: Sequence[int], limit: int) -> dict[int, tuple[Run, ...]]:
    """Return the newest runs for each of these tasks; not many more are kept."""
    found: dict[int, list[Run]] = {task: [] for task in of}
    rows = db.rows(
        f"SELECT task, steps, outcome, at FROM run WHERE task IN ({','.join('?' * len(of))}) "
        "ORDER BY task, at DESC, session DESC, number DESC",
        of,
    )
    for task, steps, outcome, at in rows:
        if len(its := found[task]) < limit:
            its.append(Run(_run_steps(steps), outcome, at))
    return {task: tuple(its) for task, its in found.items()}


@lru_cache(maxsize=1_024)
def _run_steps(steps: str) -> tuple[tuple[str, bool], ...]:
    """Each step of a session looks at the same runs of the tasks like its own."""
    return tuple((tool, bool(ok)) for tool, ok in json.loads(steps))


def count(db: Connection, ns: int) -> int:
    """Return how many tasks are known."""
    row = db.row("SELECT tasks FROM word WHERE ns = ? AND word = ?", (ns, EVERY))
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Known:
    """What this instance knows of a task: what it may tell others, without the text."""

    hash: str
    seq: int
    last_at: float
    words: Mapping[str, int]
    runs: tuple[Run, ...]


def changed(db: Connection, ns: int, above: int, limit: int) -> list[Known]:
    """Return own tasks that changed after a number, in the order of their changes."""
    rows = db.rows(
        "SELECT id, hash, seq, last_at FROM task WHERE ns = ? AND seq > ? ORDER BY seq LIMIT ?",
        (ns, above, limit),
    )
    return [
        Known(name, seq, at, _words(db, ns, key), _own_runs(db, key)) for key, name, seq, at in rows
    ]


def _words(db: Connection, ns: int, task: int) -> dict[str, int]:
    return dict(db.rows("SELECT word, n FROM task_word WHERE ns = ? AND task = ?", (ns, task)))


def _own_runs(db: Connection, task: int) -> tuple[Run, ...]:
    rows = db.rows(
        "SELECT steps, outcome, at FROM run WHERE task = ? AND session > 0 "
        "ORDER BY at DESC, session DESC, number DESC LIMIT ?",
        (task, RUNS_MAX),
    )
    return tuple(Run(_run_steps(steps), outcome, at) for steps, outcome, at in rows)


def replace_runs(db: Connection, task: int, session: int, runs: Sequence[Run]) -> None:
    """Set the runs that another instance, told by a session's number below 0, has for a task."""
    db.run("DELETE FROM run WHERE task = ? AND session = ?", (task, session))
    # All tasks of an instance share its session: numbers of one must not be those of another.
    for number, run in enumerate(runs[:RUNS_MAX], task * RUNS_MAX):
        keep_run(db, session, number, task=task, run=run)
