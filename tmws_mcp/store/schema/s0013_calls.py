"""Schema 13: a step knows the call that it tells of, where its client names calls.

Hooks and a transcript tell of the same call under different numbers; its id makes them one step.
"""

from tmws_mcp.store.driver import Connection

CALLS = """
-- Fingerprint of the call's id.
ALTER TABLE step ADD COLUMN call TEXT;
CREATE UNIQUE INDEX step_call ON step(session, call) WHERE call IS NOT NULL;
"""


def apply(db: Connection) -> None:
    """Add the column."""
    db.script(CALLS)
