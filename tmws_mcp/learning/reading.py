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
    grown: set[Read] = set()
    for (kind, key, action), n in changed.items():
        place = Read(kind, key)
        if (actions := counted.get(place)) is None:
            if (read := before.get(place)) is None:
                continue
            actions = counted[place] = dict(read)
        if action in actions:
            actions[action] += n
        else:
            actions[action] = n
            grown.add(place)
    return {
        place: dict(sorted(actions.items())) if place in grown else actions
        for place, actions in counted.items()
    }
