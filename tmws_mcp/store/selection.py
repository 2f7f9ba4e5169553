"""Which memories a recall may see, as SQL.

The conditions stand in each statement before its LIMIT: a filter that is applied afterwards starves
the result, and a namespace that is not in the statement leaks. The text is fixed here; only values
come from callers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

CURRENT = "m.forgotten_at IS NULL AND m.superseded_by IS NULL"
UNEXPIRED = "(m.expires_at IS NULL OR m.expires_at > :now)"
HAPPENED = "coalesce(m.occurred_at, m.created_at)"
# The whole primary key of memory_tag is given: one look for each tag, never a list of its holders.
TAGGED = "SELECT 1 FROM memory_tag g WHERE g.ns = m.ns AND g.tag = wanted.value AND g.memory = m.id"

CONDITIONS = {
    "persona": "m.persona = :persona",
    "speaker": "m.speaker = :speaker",
    "thread": "m.thread = (SELECT id FROM thread t WHERE t.ns = m.ns AND t.name = :thread)",
    "kinds": "m.kind IN (SELECT value FROM json_each(:kinds))",
    "tags": f"NOT EXISTS (SELECT 1 FROM json_each(:tags) wanted WHERE NOT EXISTS ({TAGGED}))",
    "tags_any": f"EXISTS (SELECT 1 FROM json_each(:tags_any) wanted WHERE EXISTS ({TAGGED}))",
    "tags_none": f"NOT EXISTS (SELECT 1 FROM json_each(:tags_none) wanted WHERE EXISTS ({TAGGED}))",
    "min_importance": "m.importance >= :min_importance",
    "since": f"{HAPPENED} >= :since",
    "until": f"{HAPPENED} <= :until",
}

# For statements that walk through a namespace (`:ns`): a list of holders made once, instead of a
# look for each of a hundred thousand memories (.19 s against .03). Where a search has found few
# candidates before, the looks are the cheaper way, and such a list may be as long as the namespace.
HOLDERS = (
    "m.id {} (SELECT h.memory FROM json_each(:{}) wanted "
    "CROSS JOIN memory_tag h ON h.ns = :ns AND h.tag = wanted.value)"
)
WALKING = CONDITIONS | {
    # Who holds any of them is a small list if one of them is rare; that it holds all is asked then.
    "tags": f"{HOLDERS.format('IN', 'tags')} AND {CONDITIONS['tags']}",
    "tags_any": HOLDERS.format("IN", "tags_any"),
    "tags_none": HOLDERS.format("NOT IN", "tags_none"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What the caller asked for; a value that is empty narrows nothing."""

    now: float
    """Seconds since 1970; a memory that has expired by then is not seen."""
    persona: str = ""
    speaker: str = ""
    thread: str = ""
    tags: tuple[str, ...] = ()
    """All of them."""
    tags_any: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    min_importance: float | None = None
    since: float | None = None
    until: float | None = None

    @property
    def narrows(self) -> bool:
        """Tell whether it asks for more than being current and unexpired."""
        return bool(self._chosen())

    @property
    def where(self) -> str:
        """Return the condition on the table `memory m`."""
        return self._condition(CONDITIONS)

    @property
    def where_walking(self) -> str:
        """Return the same condition for statements that walk through a namespace, `:ns`."""
        return self._condition(WALKING)

    @property
    def params(self) -> dict[str, object]:
        """Return the values that `where` names."""
        return {"now": self.now} | {
            name: json.dumps(value) if isinstance(value, tuple) else value
            for name, value in self._chosen().items()
        }

    def _condition(self, conditions: Mapping[str, str]) -> str:
        return " AND ".join([CURRENT, UNEXPIRED, *(conditions[name] for name in self._chosen())])

    def _chosen(self) -> dict[str, object]:
        values = {name: getattr(self, name) for name in CONDITIONS}
        return {name: value for name, value in values.items() if value not in ("", (), None)}
