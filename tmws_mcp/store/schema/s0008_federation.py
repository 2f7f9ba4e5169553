"""Schema 8: what this instance and others have shared."""

from tmws_mcp.store.driver import Connection

TABLES = """
-- How far a namespace that is shared has come: the hub's epoch, the place in its log, up to which
-- number own changes were made into slots, sent, and acknowledged by a hub.
CREATE TABLE link(
    ns INTEGER PRIMARY KEY REFERENCES namespace(id),
    epoch TEXT NOT NULL DEFAULT '',
    cursor TEXT NOT NULL DEFAULT '0',
    exported INTEGER NOT NULL DEFAULT 0,
    pushed INTEGER NOT NULL DEFAULT 0,
    acknowledged INTEGER NOT NULL DEFAULT 0
) STRICT;
-- The newest known state of each slot of each actor; an empty body is redacted.
CREATE TABLE slot(
    ns INTEGER NOT NULL,
    actor TEXT NOT NULL,
    key BLOB NOT NULL,
    gen INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY(ns, actor, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_seq ON slot(ns, actor, seq);
CREATE INDEX slot_key ON slot(ns, key);
-- Up to which number an actor's slots are all here, the tag of its push up to there, and the digest
-- of all its slots.
CREATE TABLE peer(
    ns INTEGER NOT NULL,
    actor TEXT NOT NULL,
    vv INTEGER NOT NULL DEFAULT 0,
    tag BLOB NOT NULL DEFAULT x'',
    digest INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(ns, actor)
) STRICT, WITHOUT ROWID;
-- Own slots as they were sent last, where they have changed since.
CREATE TABLE slot_base(
    ns INTEGER NOT NULL,
    key BLOB NOT NULL,
    gen INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY(ns, key)
) STRICT, WITHOUT ROWID;
-- The tags that own pushes have left behind: an unknown one is a push of somebody else's.
CREATE TABLE push_tag(
    ns INTEGER NOT NULL, tag BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(ns, tag)
) STRICT, WITHOUT ROWID;
"""


def apply(db: Connection) -> None:
    """Add the tables."""
    db.script(TABLES)
