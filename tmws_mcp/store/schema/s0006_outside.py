"""Outcomes that somebody else than the agent judged: tests, an exit code, a user."""

from tmws_mcp.store.driver import Connection

# Of `n` and `ok`, so that a slot is still one row whose greater (gen, seq) wins.
OUTSIDE = """
ALTER TABLE outcome ADD COLUMN outside_n INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN outside_ok INTEGER NOT NULL DEFAULT 0;
"""


def apply(db: Connection) -> None:
    """Add the columns."""
    db.script(OUTSIDE)
