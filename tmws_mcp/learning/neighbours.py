"""Which observed tasks are like the one at hand."""

from tmws_mcp.learning.words import stems, task_key
from tmws_mcp.store import tasks
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.tasks import Near

NEIGHBOURS_MAX = 8
LIKENESS_MIN = 0.05
"""Below, two tasks share a word by chance."""


def nearest(db: Connection, ns: int, task: str) -> tuple[Near, ...]:
    """Return the tasks most like this one, the very same first."""
    same = tasks.find(db, ns, task_key(task))
    others = tasks.nearest(db, ns, stems(task), NEIGHBOURS_MAX + 1)
    like = tuple(near for near in others if near.task != same and near.similarity >= LIKENESS_MIN)[
        :NEIGHBOURS_MAX
    ]
    return like if same is None else (Near(same, 1.0), *like)
