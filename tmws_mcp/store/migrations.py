"""How a store is brought up to date: the numbered steps of store/schema/, each applied once.

Before the first step runs on a store that holds something, a copy of it is laid beside it.
Tables whose form depends on what is installed are made where they are used: the full-text index of
a namespace (store/lexical.py) and the vectors (store/vectors.py).
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tmws_mcp.errors import NewerSchema, NotADatabase, StoreError, StoreFull
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.schema import (
    s0001_first,
    s0002_search,
    s0003_lifecycle,
    s0004_learning,
    s0005_learned,
    s0006_outside,
    s0007_changes,
    s0008_federation,
    s0009_pattern_versions,
    s0010_figures,
    s0011_words,
    s0012_events,
    s0013_calls,
    s0014_tokens,
    s0015_fewer_indexes,
    s0016_unanswered,
    s0017_imported,
    s0018_indexes,
)
from tmws_mcp.store.schema.s0001_first import APPLICATION_ID

ROOM_BYTES_MIN = 1024 * 1024  # below this a disk counts as full

Step = Callable[[Connection], None]
"""Changes the schema, within the transaction of the whole migration."""


STEPS: tuple[Step, ...] = (
    s0001_first.apply,
    s0002_search.apply,
    s0003_lifecycle.apply,
    s0004_learning.apply,
    s0005_learned.apply,
    s0006_outside.apply,
    s0007_changes.apply,
    s0008_federation.apply,
    s0009_pattern_versions.apply,
    s0010_figures.apply,
    s0011_words.apply,
    s0012_events.apply,
    s0013_calls.apply,
    s0014_tokens.apply,
    s0015_fewer_indexes.apply,
    s0016_unanswered.apply,
    s0017_imported.apply,
    s0018_indexes.apply,
)
"""Step n, counted from 1, makes schema n out of schema n - 1."""
LATEST = len(STEPS)


def version(db: Connection) -> int:
    """Return the number of the last step that was applied."""
    row = db.row("PRAGMA user_version")
    assert row is not None
    return int(row[0])


def check_usable(db: Connection, path: Path) -> None:
    """See whether the file may be written at all; nothing is changed.

    Raises:
        NewerSchema: A newer version has written it.
        NotADatabase: It is another program's database.
    """
    _check_ours(db, path)
    if (found := version(db)) > LATEST:
        raise NewerSchema(path, found, LATEST)


def migrate(db: Connection, path: Path) -> None:
    """Bring the store up to date in one transaction, after a copy of it was made.

    Raises:
        StoreError: A step failed, or no copy could be made; nothing is changed.
    """
    found = version(db)
    if found >= LATEST:
        return
    if found:
        back_up(db, path, found)
    db.rows("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster.
        for number in range(version(db), LATEST):
            STEPS[number](db)
        db.rows(f"PRAGMA user_version = {LATEST}")
        db.rows("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.rows("ROLLBACK")
        raise


def _check_ours(db: Connection, path: Path) -> None:
    row = db.row(
        "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id"
    )
    assert row is not None
    application, objects = row
    if application != APPLICATION_ID and objects:
        raise NotADatabase(path, "is the database of another program")


def back_up(db: Connection, path: Path, schema: int) -> Path:
    """Copy the store beside itself before it is changed, and return the copy's path.

    Raises:
        StoreError: The copy could not be made, so that nothing may be changed.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    copy = path.with_name(f"{path.name}.schema{schema}.{stamp}.backup")
    try:
        os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        db.rows("VACUUM INTO ?", (str(copy),))
    except Exception as error:
        copy.unlink(missing_ok=True)
        room = os.statvfs(path.parent)
        if room.f_bavail * room.f_frsize < path.stat().st_size:
            raise StoreFull(path) from error
        raise StoreError(
            f"No backup of {path} could be made, so it stays as it is: {error}"
        ) from error
    return copy
