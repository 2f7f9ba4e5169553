"""Schema 16: what was sent is kept until a hub has said that it arrived.

Of an own slot that changes while its push is not answered several states are kept. Digests are of
another form: `link.digests` says whether those of a namespace are of the newest one.
"""

from tmws_mcp.store.driver import Connection

CHANGES = """
ALTER TABLE slot_base RENAME TO slot_base_15;
-- Own slots as they were sent, where they have changed since: all states of them that a hub has
-- not acknowledged yet, and the last one that it has.
CREATE TABLE slot_base(
    ns INTEGER NOT NULL,
    key BLOB NOT NULL,
    gen INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY(ns, key, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO slot_base SELECT * FROM slot_base_15;
DROP TABLE slot_base_15;
-- Until now what was sent was what counted.
UPDATE link SET acknowledged = max(acknowledged, pushed);
ALTER TABLE link ADD COLUMN digests INTEGER NOT NULL DEFAULT 0;
"""


def apply(db: Connection) -> None:
    """Keep more than one state."""
    db.script(CHANGES)
