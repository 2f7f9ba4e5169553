"""Learning: the experts' weights, and the newest user message of a session."""

from tmws_mcp.store.driver import Connection

BLEND = """
CREATE TABLE blend(
    ns INTEGER NOT NULL,
    situation TEXT NOT NULL,
    weights TEXT NOT NULL,
    squares TEXT NOT NULL,
    PRIMARY KEY(ns, situation)
) STRICT, WITHOUT ROWID;
-- The newest user message.
ALTER TABLE session ADD COLUMN turn TEXT NOT NULL DEFAULT '';
-- Set on the first step after the message.
ALTER TABLE step ADD COLUMN turn TEXT;
-- What the blend of an earlier version was credited with means nothing to this one.
DELETE FROM context WHERE kind IN ('credit', 'calibration');
"""


def apply(db: Connection) -> None:
    """Add the table and the columns."""
    db.script(BLEND)
