"""Schema 15: two indexes fewer that each observed step had to move.

The steps that wait to be counted are found within their run by `step_in_run`, and what orders
sessions by their last step are prunings, which may sort.
"""

from tmws_mcp.store.driver import Connection

DROPPED = """
DROP INDEX step_waiting;
DROP INDEX session_newest;
"""


def apply(db: Connection) -> None:
    """Drop the indexes."""
    db.script(DROPPED)
