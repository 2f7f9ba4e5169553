"""Schema 18: indexes that an observed step need not move.

Those by the number of the last change serve sharing alone, and each counted slot moved them in two
places: they are made where a store begins to share (store/shared.py). An open session is found
without an index in the order of its last step, since few are open. That of the words of a task
holds how often each stands in it, so that looking for tasks alike reads the index alone.
"""

from tmws_mcp.store.driver import Connection

OPEN = """
DROP INDEX session_idle;
CREATE INDEX session_open ON session(id) WHERE ended_at IS NULL;
DROP INDEX task_words;
CREATE INDEX task_words ON task_word(task, n);
"""
OF_SHARING = """
DROP INDEX outcome_seq;
DROP INDEX context_seq;
"""


def apply(db: Connection) -> None:
    """Put an index in the place of one, and drop two where nothing was shared yet."""
    db.script(OPEN)
    if db.row("SELECT 1 FROM link LIMIT 1") is None:
        db.script(OF_SHARING)
