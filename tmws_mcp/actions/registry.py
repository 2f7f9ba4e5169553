"""The actions by name.

`ACTIONS` need nothing of ours. `STATE_ACTIONS` are about our own state: the engine binds them to
its methods under these names, so that a pattern file can be checked without an engine.
"""

from typing import Final

from tmws_mcp import plugins
from tmws_mcp.actions import calculate, changes, clock, dependencies, find, workspace
from tmws_mcp.actions.action import Action, Workspace

__all__ = [
    "ACTIONS",
    "CONFIGURED_ACTIONS",
    "STATE_ACTIONS",
    "Action",
    "Workspace",
    "is_known",
    "is_read_only",
]

ACTIONS: Final = {
    action.name: action
    for action in (
        calculate.ACTION,
        changes.ACTION,
        clock.ACTION,
        dependencies.ACTION,
        find.ACTION,
        workspace.ACTION,
    )
}
STATE_ACTIONS: Final = frozenset(
    {"status.health", "statistics.all", "patterns.list", "patterns.explain"}
)
"""Actions over our own state; all of them only read."""


CONFIGURED_ACTIONS: Final = frozenset({"http.get"})
"""Actions that the settings must allow; the engine binds them. No registered pattern has them."""


def is_known(name: str) -> bool:
    """Whether an action has that name."""
    return name in {*ACTIONS, *STATE_ACTIONS, *CONFIGURED_ACTIONS} or (
        name in plugins.installed(plugins.ACTIONS)
    )


def is_read_only(name: str) -> bool:
    """Whether the action is known and changes nothing."""
    return name in STATE_ACTIONS or (name in ACTIONS and ACTIONS[name].read_only)
