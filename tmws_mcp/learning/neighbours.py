"""Which observed tasks are like the one at hand."""

from tmws_mcp.learning.words import stems, task_key
from tmws_mcp.store import tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.tasks import Near

NEIGHBOURS_MAX = 8
ASKED_FOR = 2 * NEIGHBOURS_MAX
"""Of those found some have no run yet."""
LIKENESS_MIN = 0.05
"""Below, two tasks share a word by chance."""


def nearest(db: Connection, ns: int, task: str) -> tuple[Near, ...]:
    """Return the tasks most like this one that have a finished run, the very same first.

    A task that is being done for the first time has nothing to tell about itself.
    """
    same = tasks.find(db, ns, task_key(task))
    others = tasks.nearest(db, ns, stems(task), ASKED_FOR)
    known = tasks.with_runs(
        db, [*(near.task for near in others), *([] if same is None else [same])]
    )
    like = tuple(
        near
        for near in others
        if near.task != same and near.task in known and near.similarity >= LIKENESS_MIN
    )[:NEIGHBOURS_MAX]
    return (Near(same, 1.0), *like) if same is not None and same in known else like
