"""Namespaces in which observing is paused."""

from dataclasses import dataclass

from tmws_mcp.store.driver import Connection


@dataclass(frozen=True, slots=True)
class Paused:
    """Since when, and why."""

    at: float
    reason: str


def pause(db: Connection, ns: int, reason: str, now: float) -> None:
    """Pause observing in a namespace; a new reason replaces an old one."""
    db.run(
        "INSERT INTO observing_paused VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET reason = excluded.reason",
        (ns, now, reason),
    )


def resume(db: Connection, ns: int) -> bool:
    """Resume; False where nothing was paused."""
    return bool(db.run("DELETE FROM observing_paused WHERE ns = ?", (ns,)))


def standing(db: Connection, namespace: str) -> tuple[int | None, Paused | None]:
    """Return a namespace's key, None where there is none, and whether observing is paused in it."""
    row = db.row(
        "SELECT n.id, p.at, p.reason FROM namespace n "
        "LEFT JOIN observing_paused p ON p.ns = n.id WHERE n.name = ?",
        (namespace,),
    )
    if row is None:
        return None, None
    return int(row[0]), None if row[1] is None else Paused(row[1], row[2])


def paused(db: Connection, ns: int) -> Paused | None:
    """Return since when and why observing is paused, None where it is not."""
    row = db.row("SELECT at, reason FROM observing_paused WHERE ns = ?", (ns,))
    return Paused(*row) if row else None
