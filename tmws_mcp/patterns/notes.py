"""Memories in the text of a reply: a line each, with what it is read by.

The head of a memory says its id, its day and whose it is. A score is said where it is low, since
those that are clearly behind the best are not shown anyway; the year once, where all share it.
"""

from collections.abc import Iterator

from pydantic import JsonValue

from tmws_mcp.model import JsonObject

WEAK_BELOW = 0.5
"""A reader has to know that even this may not be what was asked for."""
DATE_CHARS = len("2026-05-08")
YEAR_CHARS = len("2026")


def memories_in(value: JsonValue) -> Iterator[JsonObject]:
    """Give the memories within a result, however deep."""
    if is_memory(value):
        assert isinstance(value, dict)
        yield value
    elif isinstance(value, list | dict):
        for item in value if isinstance(value, list) else value.values():
            yield from memories_in(item)


def is_memory(value: JsonValue) -> bool:
    """Whether a value is a memory as a recall shows it."""
    return isinstance(value, dict) and "content" in value and "id" in value


def common_year(value: JsonValue) -> str:
    """Return the year of all memories within a result; nothing where they differ.

    >>> common_year([{"id": "m1", "content": "x", "created_at": "2026-05-08T10:00:00Z"}])
    '2026'
    """
    years = {_day(memory)[:YEAR_CHARS] for memory in memories_in(value)}
    return years.pop() if len(years) == 1 else ""


def memory_line(memory: JsonObject, year: str) -> str:
    """Return a memory as `[id day who …] content`; the day without a year that is said already."""
    score, tags, day = memory.get("score"), memory.get("tags"), _day(memory)
    facts = [
        str(memory["id"]),
        f"{score:.2f}".removeprefix("0") if _is_weak(score) else "",
        day[YEAR_CHARS + 1 :] if year and day.startswith(year) else day,
        str(memory.get("speaker") or ""),
        *(f"{name} {memory[name]}" for name in ("persona", "thread", "source") if name in memory),
        f"tags: {','.join(map(str, tags))}" if isinstance(tags, list) and tags else "",
        f"in {memory['namespace']}" if "namespace" in memory else "",
        f"replaced by {memory['superseded_by']}" if "superseded_by" in memory else "",
        "passage" if memory.get("passage") else "",
    ]
    head = " ".join(" ".join(fact.replace("]", ")").split()) for fact in facts if fact)
    return f"[{head}] {memory['content']}"


def _day(memory: JsonObject) -> str:
    return str(memory.get("occurred_at") or memory.get("created_at", ""))[:DATE_CHARS]


def _is_weak(score: JsonValue) -> bool:
    return isinstance(score, int | float) and score < WEAK_BELOW
