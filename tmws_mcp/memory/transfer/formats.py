"""The files that memories can be read from: our export, and those of two other servers.

Which one it is shows in the first line. What cannot be used is named by its place and stops nobody.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TextIO

from pydantic import ValidationError

from tmws_mcp.errors import InvalidInput, TooLarge
from tmws_mcp.model import StoreRequest
from tmws_mcp.model.base import NAME_CHARS_MAX
from tmws_mcp.model.memory import TAGS_MAX
from tmws_mcp.model.problems import problems
from tmws_mcp.model.transfer import Entry, Foreign, Kept

FORMAT = "tmws-mcp memories"
VERSION = 1
LINE_CHARS_MAX = 1_000_000
DOCUMENT_CHARS_MAX = 200_000_000
"""A file that is one JSON value must be held in memory; it takes some five times as much there."""

LINE_ENDS = re.compile("[\x85\u2028\u2029]")
"""JSON allows them within a text; many programs would end the line there."""

OURS, GRAPH, SERVICE = "tmws-mcp", "mcp memory server", "mcp-memory-service"


def header(memories: int) -> str:
    """Return the first line of an export: nothing in it depends on when or where it was made."""
    return written({"format": FORMAT, "version": VERSION, "memories": memories})


def written(value: Mapping[str, Any]) -> str:
    """Return a line, without its end: the keys stay in their order."""
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return LINE_ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def entries(file: TextIO) -> tuple[str, Iterator[Entry]]:
    """Return which format a file has, and what stands in it.

    Raises:
        InvalidInput: It has none that is known, or is of a newer version.
    """
    lines = _lines(file)
    first = next((line for line in lines if line[1].strip()), (1, ""))
    value = _parsed(first[1])
    if isinstance(value, dict) and value.get("format") == FORMAT:
        _check_version(value)
        return OURS, (_ours(number, line) for number, line in lines if line.strip())
    if isinstance(value, dict) and ("content" in value or _is_graph_line(value)):
        kind = GRAPH if _is_graph_line(value) else SERVICE
        return kind, _foreign_lines(kind, chain([first], lines))
    return _document(chain([first], lines))


def _check_version(value: Mapping[str, Any]) -> None:
    version = value.get("version")
    if version != VERSION:
        raise InvalidInput(
            f"The export has version {str(version)[:20]}, this tmws-mcp reads {VERSION}. "
            "Update tmws-mcp."
        )


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Give the lines with their numbers; of one that is too long as much as shows that it is."""
    number = 0
    while line := file.readline(LINE_CHARS_MAX + 1):
        number += 1
        if len(line) > LINE_CHARS_MAX and number > 1:
            _skip_rest(file, line)
        yield number, line


def _skip_rest(file: TextIO, line: str) -> None:
    while line and not line.endswith("\n"):
        line = file.readline(LINE_CHARS_MAX)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _ours(number: int, line: str) -> Entry:
    if len(line) > LINE_CHARS_MAX:
        return Entry(number=number, problem=f"longer than {LINE_CHARS_MAX:,} characters")
    try:
        return Entry(number=number, memory=Kept.model_validate_json(line))
    except ValidationError as error:
        return Entry(number=number, problem=problems(error, tuple(Kept.model_fields)))
    except UnicodeEncodeError as error:
        return Entry(number=number, problem=f"is not UTF-8 at character {error.start}")


def _foreign_lines(kind: str, lines: Iterable[tuple[int, str]]) -> Iterator[Entry]:
    for number, line in lines:
        if not line.strip():
            continue
        value = _parsed(line) if len(line) <= LINE_CHARS_MAX else None
        if isinstance(value, dict):
            yield from _entries_of(kind, number, value)
        else:
            yield Entry(number=number, problem="is not a JSON object")


def _document(lines: Iterable[tuple[int, str]]) -> tuple[str, Iterator[Entry]]:
    """Read a file that is one JSON value."""
    text, size = [], 0
    for _, line in lines:
        size += len(line)
        if size > DOCUMENT_CHARS_MAX:
            remedy = "Split it, or turn it into one JSON object in each line."
            raise TooLarge("The file", size, DOCUMENT_CHARS_MAX, "characters", remedy=remedy)
        text.append(line)
    value = _parsed("".join(text))
    if isinstance(value, dict) and isinstance(value.get("memories"), list):
        return SERVICE, _items(SERVICE, value["memories"])
    if isinstance(value, dict) and ("entities" in value or "relations" in value):
        parts = [value.get("entities") or [], value.get("relations") or []]
        return GRAPH, _items(GRAPH, [item for part in parts for item in part])
    if isinstance(value, list) and value and isinstance(value[0], dict):
        kind = SERVICE if "content" in value[0] else GRAPH
        return kind, _items(kind, value)
    raise InvalidInput(
        "The file is no export that is known. Known are: ours (`tmws-mcp export`), memory.json or "
        "memory.jsonl of the official memory server, and the JSON export of mcp-memory-service."
    )


def _items(kind: str, items: Iterable[Any]) -> Iterator[Entry]:
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            yield from _entries_of(kind, number, item)
        else:
            yield Entry(number=number, problem="is not a JSON object")


def _entries_of(kind: str, number: int, value: Mapping[str, Any]) -> Iterator[Entry]:
    try:
        memories = _of_graph(value) if kind == GRAPH else [_of_service(value)]
        for memory in memories:
            yield Entry(number=number, memory=memory)
    except ValidationError as error:
        yield Entry(number=number, problem=problems(error, ()))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        yield Entry(number=number, problem=f"lacks or misuses a field: {str(error)[:80]}")


# The official memory server: entities with observations, relations between them.


def _is_graph_line(value: Mapping[str, Any]) -> bool:
    return value.get("type") in ("entity", "relation") or "entityType" in value


def _of_graph(value: Mapping[str, Any]) -> list[Foreign]:
    if "relationType" in value:
        text = f"{value['from']} {value['relationType'].replace('_', ' ')} {value['to']}"
        return [_graph_memory(text, ["relation"], value["from"])]
    name, kind = value["name"], value.get("entityType") or "entity"
    observed = value.get("observations") or []
    texts = [f"{name}: {observation}" for observation in observed] or [f"{name} is a {kind}."]
    return [_graph_memory(text, [kind, name], name) for text in texts]


def _graph_memory(text: str, tags: list[str], entity: str) -> Foreign:
    request = StoreRequest(content=text, tags=_tags(tags), source=_name(f"memory graph: {entity}"))
    return Foreign(request=request, via=f"import: {GRAPH}")


# mcp-memory-service: memories with tags, a type, metadata and times.


def _of_service(value: Mapping[str, Any]) -> Foreign:
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    tags = value.get("tags") or metadata.get("tags") or []
    tags = tags.split(",") if isinstance(tags, str) else list(tags)
    kind = value.get("memory_type") or value.get("type") or metadata.get("memory_type") or ""
    named = kind if kind in ("semantic", "episodic", "procedural") else "semantic"
    if kind and kind not in (named, "note"):
        tags.append(str(kind))
    request = StoreRequest(
        content=value["content"],
        tags=_tags(tags),
        kind=named,
        source=_name(str(metadata.get("source") or metadata.get("hostname") or "")),
    )
    return Foreign(request=request, created_at=_created(value), via=f"import: {SERVICE}")


def _created(value: Mapping[str, Any]) -> float | None:
    """Return when it was stored, in seconds since 1970."""
    for name in ("created_at", "created_at_iso", "timestamp"):
        found = value.get(name)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return datetime.fromtimestamp(found, UTC).timestamp()
        if isinstance(found, str) and found:
            when = datetime.fromisoformat(found)
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return None


def _tags(tags: Iterable[Any]) -> tuple[str, ...]:
    """Return tags that a memory can have; an import must not fail for the thirty-third."""
    named = (_name(str(tag)) for tag in tags)
    return tuple(dict.fromkeys(tag for tag in named if tag))[:TAGS_MAX]


def _name(text: str) -> str:
    return " ".join(text.split())[:NAME_CHARS_MAX]
