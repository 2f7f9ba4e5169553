"""Contexts that were read, counted on instead of read again."""

from collections.abc import Mapping
from typing import NamedTuple

from tmws_mcp.store.evidence import Context


class Read(NamedTuple):
    """Where something was read: the actions of a kind and key."""

    kind: str
    key: str


def counted_on(
    before: Mapping[Read, Mapping[str, int]], changed: Mapping[Context, int]
) -> dict[Read, Mapping[str, int]]:
    """Return the contexts that were read and are counted now, each as it would be read again."""
    counted: dict[Read, dict[str, int]] = {}
    for (kind, key, action), n in changed.items():
        place = Read(kind, key)
        if (read := before.get(place)) is not None:
            actions = counted.setdefault(place, dict(read))
            actions[action] = actions.get(action, 0) + n
    return {place: dict(sorted(actions.items())) for place, actions in counted.items()}
