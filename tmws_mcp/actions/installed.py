"""Actions that installed packages bring: an Action, or a function, behind an entry point.

Nothing of them is imported before a step calls one. Nobody has looked at what they do: no model can
register a pattern that calls them, and their answers are not kept.
"""

from collections.abc import Container
from functools import cache

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp import plugins
from tmws_mcp.actions.action import Action, Workspace
from tmws_mcp.actions.function import action_of, as_json
from tmws_mcp.errors import PluginBroken
from tmws_mcp.model import JsonObject


def installed_actions(taken: Container[str]) -> dict[str, Action]:
    """Return the actions of installed packages whose names are not taken."""
    return {name: _lazy(name) for name in plugins.usable(plugins.ACTIONS, taken)}


def _lazy(name: str) -> Action:
    async def run(arguments: JsonObject, where: Workspace) -> JsonValue:
        action = await anyio.to_thread.run_sync(loaded_action, name)
        return as_json(name, await action.run(arguments, where))

    return Action(name, plugins.origin(plugins.ACTIONS, name), run, read_only=False)


@cache
def loaded_action(name: str) -> Action:
    """Return the action behind an entry point.

    Raises:
        PluginBroken: It cannot be imported, or is no action.
    """
    found = plugins.load(plugins.ACTIONS, name)
    if isinstance(found, Action):
        return found
    if callable(found):
        return action_of(name, found)
    why = f"it is a {type(found).__name__}, and must be an Action or a function"
    plugins.complain(plugins.ACTIONS, name, why)
    raise PluginBroken(plugins.origin(plugins.ACTIONS, name), why)
