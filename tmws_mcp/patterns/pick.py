"""What a pattern wants of a step's result: these fields, and lists no longer than that."""

from collections.abc import Sequence

from pydantic import JsonValue

from tmws_mcp.model import JsonObject
from tmws_mcp.patterns.parts import Found

WRAPPERS = ("answered", "output")
"""Where a result stands that came from elsewhere; what stands beside it says from where."""

Tree = dict[str, "Tree"]


def picked(found: Found, paths: Sequence[str], items_max: int | None) -> Found:
    """Return what was found with these fields alone, and with its lists cut.

    A path (`user.name`) leads through objects, and through the items of lists; one that ends in a
    number (`commits:3`) takes so many items of a list. What is not there is left out; that all
    lists were cut is said beside them.
    """
    value = found.value
    wrapper = next((key for key in WRAPPERS if isinstance(value, dict) and key in value), None)
    inner = value[wrapper] if wrapper and isinstance(value, dict) else value
    if paths:
        inner = _picked(inner, _tree(paths))
    inner, left_out = _cut(inner, items_max) if items_max else (inner, 0)
    if wrapper:
        assert isinstance(value, dict)
        outer: JsonObject = {**value, wrapper: inner}
    else:
        outer = inner if isinstance(inner, dict) else {"items": inner} if left_out else {}
    if left_out:
        outer = {**outer, "left_out": left_out}
    return Found(outer or inner, found.omitted, found.failure)


def _tree(paths: Sequence[str]) -> Tree:
    tree: Tree = {}
    for path in paths:
        branch = tree
        for name in path.split("."):
            branch = branch.setdefault(name, {})
    return tree


def _picked(value: JsonValue, tree: Tree) -> JsonValue:
    if not tree:
        return value
    if isinstance(value, list):
        return [_picked(item, tree) for item in value if isinstance(item, dict | list)]
    if isinstance(value, dict):
        asked = ((*_parted(path), branch) for path, branch in tree.items())
        return {
            name: _first(_picked(value[name], branch), most)
            for name, most, branch in asked
            if name in value
        }
    return None


def _parted(path: str) -> tuple[str, int | None]:
    """Return a name, and how many items are wanted of a list of that name."""
    name, _, most = path.rpartition(":")
    return (name, int(most)) if name and most.isdecimal() else (path, None)


def _first(value: JsonValue, most: int | None) -> JsonValue:
    return value[:most] if most is not None and isinstance(value, list) else value


def _cut(value: JsonValue, items_max: int) -> tuple[JsonValue, int]:
    """Return the value with shorter lists, and how many items they lack."""
    if isinstance(value, list):
        kept = [_cut(item, items_max) for item in value[:items_max]]
        return [item for item, _ in kept], len(value) - len(kept) + sum(n for _, n in kept)
    if isinstance(value, dict):
        shorter = {key: _cut(item, items_max) for key, item in value.items()}
        lacking = sum(n for _, n in shorter.values())
        return {key: item for key, (item, _) in shorter.items()}, lacking
    return value, 0
