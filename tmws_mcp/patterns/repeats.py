"""Leaving out of a reply what stands in it already.

The steps of a pattern look at one memory from several sides, and often find the same. A reader
needs it once, under the step that stands first.
"""

from pydantic import JsonValue

from tmws_mcp.model import JsonObject

ABOVE = "as above"
"""In place of memories that all stand under earlier steps."""


def without_repeats(results: JsonObject) -> JsonObject:
    """Return the results with each memory under the first step that found it.

    >>> without_repeats({"a": {"memories": [{"id": "1"}]}, "b": {"memories": [{"id": "1"}]}})
    {'a': {'memories': [{'id': '1'}]}, 'b': 'as above'}
    """
    seen: set[str] = set()
    return {name: _new(value, seen) for name, value in results.items()}


def _new(value: JsonValue, seen: set[str]) -> JsonValue:
    memories = value.get("memories") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(memories, list) or not memories:
        return value
    new = [memory for memory in memories if _id(memory) not in seen]
    seen.update(_id(memory) for memory in new)
    return {**value, "memories": new} if new else ABOVE


def _id(memory: JsonValue) -> str:
    return str(memory["id"]) if isinstance(memory, dict) and "id" in memory else str(memory)
