"""Schema 5: learned patterns with a history, an alarm, and a way to forget them."""

from tmws_mcp.store.driver import Connection

# The state of a slot's alarm (learning/drift.py). What was counted before a change stays within
# `n` and `ok`, so that a slot is still one row whose greater (gen, seq) wins; `gen` is its epoch.
OUTCOME_COLUMNS = """
ALTER TABLE outcome ADD COLUMN suspicion REAL NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN suspect_n INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN suspect_ok INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN before_n INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN before_ok INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN changed_at REAL;
CREATE INDEX outcome_changed ON outcome(ns, changed_at) WHERE changed_at IS NOT NULL;
"""

# The slot that a pattern's evidence lies in; NULL until a pattern of an older store is seen again.
LEARNED_COLUMNS = """
ALTER TABLE learned ADD COLUMN slot_kind TEXT;
ALTER TABLE learned ADD COLUMN slot_key TEXT;
ALTER TABLE learned ADD COLUMN slot_action TEXT;
CREATE INDEX learned_slot ON learned(ns, slot_kind, slot_key, slot_action);
"""

TABLES = """
-- The counts of a learned pattern as they stood at the end of each day (UTC) on which they moved.
CREATE TABLE learned_history(
    ns INTEGER NOT NULL,
    id TEXT NOT NULL,
    day INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    PRIMARY KEY(ns, id, day),
    FOREIGN KEY(ns, id) REFERENCES learned(ns, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX learned_history_oldest ON learned_history(day);
-- What was forgotten and can be brought back: the rows themselves, until they are erased.
CREATE TABLE forgotten(
    id TEXT PRIMARY KEY,
    ns INTEGER NOT NULL,
    subject TEXT NOT NULL,
    rows TEXT NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_oldest ON forgotten(at);
CREATE INDEX forgotten_newest ON forgotten(ns, at);
-- Namespaces in which nothing is observed until somebody resumes.
CREATE TABLE observing_paused(
    ns INTEGER PRIMARY KEY REFERENCES namespace(id), at REAL NOT NULL, reason TEXT NOT NULL
) STRICT;
"""


def apply(db: Connection) -> None:
    """Add the columns and tables."""
    for part in (OUTCOME_COLUMNS, LEARNED_COLUMNS, TABLES):
        db.script(part)
