"""Schema 11: words of tasks and messages as fingerprints, and tasks that tell when they changed.

What is counted under a word so has the same key on each instance, and can be shared without it.
"""

from tmws_mcp.store.driver import Connection
from tmws_mcp.store.tasks import word_key

COLUMN = """
-- Number of the newest change of what is known of it here; 0: another instance knows it.
ALTER TABLE task ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
CREATE INDEX task_seq ON task(ns, seq);
"""
PLACES = (
    ("context", "key", "kind IN ('task_word', 'turn_word') AND"),
    ("task_word", "word", ""),
    ("word", "word", ""),
)


def apply(db: Connection) -> None:
    """Add the column, and put fingerprints in the place of words."""
    db.script(COLUMN)
    for table, column, which in PLACES:
        words = db.rows(f"SELECT DISTINCT {column} FROM {table} WHERE {which} {column} <> ''")
        db.run_many(
            f"UPDATE {table} SET {column} = ? WHERE {which} {column} = ?",
            ((word_key(word), word) for (word,) in words),
        )
