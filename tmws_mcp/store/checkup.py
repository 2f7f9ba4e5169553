"""A look at a store's file from outside, for `tmws-mcp doctor`: nothing is made or migrated."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tmws_mcp.store import driver, migrations
from tmws_mcp.store.database import store_error
from tmws_mcp.store.driver import Connection, SqliteError
from tmws_mcp.store.schema import s0001_first

PROBE = "doctor.probe"
PROBLEMS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose database it is, and in which form."""

    ours: bool
    empty: bool
    schema: int


@contextmanager
def opened(path: Path, *, writer: bool = False) -> Iterator[Connection]:
    """Open the existing file at `path` as it is.

    Raises:
        StoreError: SQLite cannot open it, or refuses what is done with it.
    """
    try:
        db = driver.connect(path)
        try:
            if writer:
                driver.for_writing(db, "normal")
            else:
                driver.for_reading(db)
            yield db
        finally:
            db.close()
    except SqliteError as error:
        raise store_error(error, path) from error


def ownership(db: Connection) -> Ownership:
    """Tell whether the database is ours, and its schema."""
    row = db.row(
        "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id"
    )
    assert row is not None
    application, objects = row
    return Ownership(
        ours=application == s0001_first.APPLICATION_ID,
        empty=not objects,
        schema=migrations.version(db),
    )


def damage(db: Connection) -> tuple[str, ...]:
    """Return what SQLite's quick check complains of; nothing where the file is sound."""
    found = [str(row[0]) for row in db.rows(f"PRAGMA quick_check({PROBLEMS_SHOWN_MAX})")]
    return () if found == ["ok"] else tuple(found)


def probe_write(db: Connection) -> None:
    """Commit a row and delete it again: a transaction rolled back would not touch the disk."""
    db.run("INSERT OR REPLACE INTO meta VALUES (?, '')", (PROBE,))
    db.run("DELETE FROM meta WHERE key = ?", (PROBE,))


def vector_version(db: Connection) -> str:
    """Return the version of sqlite-vec, which load_vectors() has loaded."""
    row = db.row("SELECT vec_version()")
    assert row is not None
    return str(row[0])
