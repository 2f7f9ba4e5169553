"""What installed packages add, found by their entry points and imported when it is first used.

It is another's code: whatever is wrong with it is kept to be told (`doctor`, `tmws://status`), and
takes nothing else with it. A built-in name cannot be replaced.
"""

import re
from collections.abc import Container, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tmws_mcp.errors import PluginBroken

ACTIONS, EMBEDDERS = "tmws_mcp.actions", "tmws_mcp.embedders"
EXPERTS, SOURCES = "tmws_mcp.experts", "tmws_mcp.sources"
GROUPS = (ACTIONS, EMBEDDERS, EXPERTS, SOURCES)
PLUGINS_MAX = 200
NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,2}")

_problems: dict[tuple[str, str], str] = {}


@cache
def installed(group: str) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group by name; of two with one name the first counts."""
    found: dict[str, EntryPoint] = {}
    for point in list(entry_points(group=group))[:PLUGINS_MAX]:
        if not NAME.fullmatch(point.name):
            complain(group, point.name, "the name must be one to three lower-case words with dots")
        elif point.name in found and point.value != found[point.name].value:
            other = found[point.name].value
            complain(group, point.name, f"{point.value} is left out: {other} has that name too")
        else:
            found.setdefault(point.name, point)
    return found


def usable(group: str, taken: Container[str]) -> tuple[str, ...]:
    """Return the names of a group that nothing built in has."""
    for name in installed(group):
        if name in taken:
            complain(group, name, "a built-in name cannot be replaced")
    return tuple(name for name in installed(group) if name not in taken)


@cache
def load(group: str, name: str) -> Any:
    """Import what stands behind a name.

    Raises:
        PluginBroken: It cannot be imported; it is remembered, and not tried again.
    """
    point = installed(group)[name]
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}"
        complain(group, name, f"{point.value} cannot be imported ({why})")
        raise PluginBroken(origin(group, name), why) from error


def origin(group: str, name: str) -> str:
    """Say which package a name comes from."""
    point = installed(group).get(name)
    package = f"{point.dist.name} {point.dist.version}" if point and point.dist else "a package"
    return f"{name!r} ({group}) of {package}"


def complain(group: str, name: str, why: str) -> None:
    """Keep what is wrong with a plugin."""
    _problems[group, name] = why


def problems() -> tuple[str, ...]:
    """Return what is known to be wrong with plugins, each with its package."""
    return tuple(
        f"{origin(group, name)}: {why[:300]}. Mend, update or remove the package."
        for (group, name), why in _problems.items()
    )
