"""What another server's tool answered, as a value that steps and budgets can work with.

It is data, whatever it says: nothing of it is followed, and it is marked where a model reads it.
"""

import json

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from pydantic import JsonValue

CHARS_MAX = 256 * 1024
"""What is kept of a result; the pattern's token budget shows far less."""
ERROR_CHARS_MAX = 400
WRAPPED = (["result"], ["content"])
"""How the Python SDK, and the file server, wrap what is no object."""


def value_of(result: CallToolResult) -> JsonValue:
    """Return the result: its structured part, else JSON or text out of its content."""
    structured = result.structured_content
    if isinstance(structured, dict) and list(structured) in WRAPPED:
        (structured,) = structured.values()
    if structured is not None:
        return _bounded(_parsed(structured) if isinstance(structured, str) else structured)
    parts = [_part(block) for block in result.content]
    return _bounded(parts[0] if len(parts) == 1 else parts)


def error_of(result: CallToolResult) -> str:
    """Return what a tool says went wrong, as one line."""
    texts = [block.text for block in result.content if isinstance(block, TextContent)]
    return one_line(" ".join(texts)) or "it says no more"


def one_line(text: str) -> str:
    """Return the beginning of a text without line breaks: an error must not look like our words."""
    return " ".join(text[: 2 * ERROR_CHARS_MAX].split())[:ERROR_CHARS_MAX]


def _part(block: ContentBlock) -> JsonValue:
    match block:
        case TextContent():
            return _parsed(block.text)
        case ImageContent() | AudioContent():
            return {"left_out": block.mime_type, "base64_chars": len(block.data)}
        case ResourceLink():
            return {"uri": str(block.uri), "name": block.name}
        case EmbeddedResource():
            found = block.resource
            text = found.text if isinstance(found, TextResourceContents) else None
            return {"uri": str(found.uri), "text": text}


def _parsed(text: str) -> JsonValue:
    """Return JSON as what it stands for: its lists can be cut and its fields be picked."""
    if text[:1] in "{[" and len(text) <= CHARS_MAX:
        try:
            found: JsonValue = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return found
    return text


def _bounded(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= CHARS_MAX:
        return value
    return f"{text[:CHARS_MAX]}… (+{len(text) - CHARS_MAX:,} characters)"
