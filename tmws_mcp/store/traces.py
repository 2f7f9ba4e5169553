"""What the step log still tells of how something was done: the calls with their arguments."""

from collections.abc import Sequence
from dataclasses import dataclass

from tmws_mcp.store.driver import Connection

RUNS_MAX = 12
CALLS_MAX = 400
WINDOW_CALLS = 5
"""A repair follows its error within so many calls (learning/repairs.py)."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A call that worked."""

    tool: str
    arguments: str | None


def good_runs(db: Connection, task: int) -> list[tuple[int, int]]:
    """Return session and number of the newest runs for a task that ended well."""
    rows = db.rows(
        "SELECT session, number FROM run WHERE task = ? AND outcome = 'success' "
        "ORDER BY at DESC, session DESC, number DESC LIMIT ?",
        (task, RUNS_MAX),
    )
    return [(row[0], row[1]) for row in rows]


def calls(db: Connection, session: int, run: int) -> tuple[Traced, ...]:
    """Return the calls of a run that worked, in their order; those that fell out are missing."""
    rows = db.rows(
        "SELECT tool, arguments FROM step WHERE session = ? AND run = ? AND ok = 1 "
        "AND tool <> '' ORDER BY position, id LIMIT ?",
        (session, run, CALLS_MAX),
    )
    return tuple(Traced(*row) for row in rows)


def repairs(db: Connection, ns: int, error: tuple[str, str], tool: str) -> tuple[Traced, ...]:
    """Return the newest calls of a tool that followed an error (failing tool, template) and worked.

    It reads the whole log of the namespace: a person asks for it, once in a while.
    """
    rows = db.rows(
        "SELECT r.tool, r.arguments FROM step e JOIN step r ON r.session = e.session "
        "AND r.run = e.run AND r.position > e.position AND r.position <= e.position + ? "
        "WHERE e.ns = ? AND e.ok = 0 AND e.tool = ? AND e.error_template = ? "
        "AND r.ok = 1 AND r.tool = ? GROUP BY r.id ORDER BY r.id DESC LIMIT ?",
        (WINDOW_CALLS, ns, *error, tool, RUNS_MAX),
    )
    return tuple(Traced(*row) for row in rows)


def definitions_of(db: Connection, ns: int, slot_kind: str, slot_action: str) -> Sequence[str]:
    """Return the definitions (JSON) of learned patterns with this action, whatever their task."""
    rows = db.rows(
        "SELECT definition FROM learned WHERE ns = ? AND slot_kind = ? AND slot_action = ? "
        "ORDER BY last_at DESC, id LIMIT ?",
        (ns, slot_kind, slot_action, RUNS_MAX),
    )
    return [str(row[0]) for row in rows]
