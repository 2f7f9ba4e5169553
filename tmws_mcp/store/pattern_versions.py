"""Versions of authored patterns, and trials between two of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection

VERSIONS_MAX = 20
"""Kept of each pattern, the latest; those of a trial beside them."""
TRIALS_MAX = 100


@dataclass(frozen=True, slots=True)
class Version:
    """A definition, and when it became the one that serves."""

    pattern: str
    version: str
    at: float
    definition: str


@dataclass(frozen=True, slots=True)
class TrialRow:
    """Two versions that share a pattern's queries."""

    pattern: str
    one: str
    other: str
    share: float
    """Of the queries that go to the other."""
    at: float


def note(db: Connection, current: Sequence[Version]) -> int:
    """Keep what serves now, and return how much of it is not what served before."""
    rows = db.rows("SELECT pattern, version, max(at) FROM pattern_version GROUP BY pattern")
    latest = {pattern: version for pattern, version, _ in rows}
    new = [one for one in current if latest.get(one.pattern) != one.version]
    for one in new:
        db.run(
            "INSERT INTO pattern_version VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET at = excluded.at",
            (one.pattern, one.version, one.at, one.definition),
        )
        _drop_oldest(db, one.pattern)
    return len(new)


def _drop_oldest(db: Connection, pattern: str) -> None:
    db.run(
        "DELETE FROM pattern_version WHERE pattern = :pattern AND version NOT IN (SELECT version "
        "FROM pattern_version WHERE pattern = :pattern ORDER BY at DESC LIMIT :most) "
        "AND version NOT IN (SELECT one FROM pattern_trial WHERE pattern = :pattern UNION "
        "SELECT other FROM pattern_trial WHERE pattern = :pattern)",
        {"pattern": pattern, "most": VERSIONS_MAX},
    )


def history(db: Connection, pattern: str) -> tuple[Version, ...]:
    """Return the versions of a pattern, the latest first."""
    rows = db.rows(
        "SELECT pattern, version, at, definition FROM pattern_version WHERE pattern = ? "
        "ORDER BY at DESC, version",
        (pattern,),
    )
    return tuple(Version(*row) for row in rows)


def start_trial(db: Connection, trial: TrialRow) -> None:
    """Begin a trial; it takes the place of one of the same pattern."""
    db.run(
        "INSERT OR REPLACE INTO pattern_trial VALUES (?, ?, ?, ?, ?)",
        (trial.pattern, trial.one, trial.other, trial.share, trial.at),
    )


def end_trial(db: Connection, pattern: str) -> bool:
    """End the trial of a pattern; False where there is none."""
    return bool(db.run("DELETE FROM pattern_trial WHERE pattern = ?", (pattern,)))


def trials(db: Connection) -> tuple[tuple[TrialRow, str, str], ...]:
    """Return the trials that go on, each with both definitions."""
    rows = db.rows(
        "SELECT t.pattern, t.one, t.other, t.share, t.at, a.definition, b.definition "
        "FROM pattern_trial t "
        "JOIN pattern_version a ON a.pattern = t.pattern AND a.version = t.one "
        "JOIN pattern_version b ON b.pattern = t.pattern AND b.version = t.other "
        "ORDER BY t.pattern LIMIT ?",
        (TRIALS_MAX,),
    )
    return tuple((TrialRow(*row[:5]), row[5], row[6]) for row in rows)
