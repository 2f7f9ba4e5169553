"""Write docs/reference/tools.md from what the server lists."""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
from generated_page import write_or_check
from mcp import Client
from mcp.types import Tool

from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings

INTRODUCTION = """\
# Tools

<!-- Made by `make docs` out of tools/list; change it in tmws_mcp/server and tmws_mcp/model. -->

What an MCP client sees. Unknown arguments are refused by name. Every reply has a text part, which
is complete, and a structured part with the same facts.
"""


async def listed() -> list[Tool]:
    """Ask a server, with every tool enabled, for its tools."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.load({"TMWS_HOME": home, "TMWS_REGISTER_PATTERN": "true"})
        async with Client(build_server(settings)) as client:
            return list((await client.list_tools()).tools)


def section(tool: Tool) -> str:
    """Return a tool's section."""
    required = tool.input_schema.get("required", [])
    properties = tool.input_schema.get("properties", {})
    definitions = tool.input_schema.get("$defs", {})
    rows = [
        f"| `{name}`{' (required)' if name in required else ''} | {kind(schema, definitions)} "
        f"| {default(schema)} | {schema.get('description', '')} |"
        for name, schema in properties.items()
    ]
    heads = ("| argument | value | default | |", "| --- | --- | --- | --- |")
    fields = ", ".join(f"`{name}`" for name in (tool.output_schema or {}).get("properties", {}))
    lines = [f"## {tool.name}", "", tool.description or "", "", hints(tool), "", *heads, *rows]
    return "\n".join([*lines, "", f"Answers with {fields}.", ""])


def hints(tool: Tool) -> str:
    """Return what a client is told of the tool's effects."""
    given = tool.annotations
    assert given is not None
    named = {
        "read-only": given.read_only_hint,
        "destructive": given.destructive_hint,
        "idempotent": given.idempotent_hint,
        "open-world": given.open_world_hint,
    }
    return (
        "Hints: " + ", ".join(f"{'' if on else 'not '}{name}" for name, on in named.items()) + "."
    )


def kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Say in words what may be given."""
    if reference := schema.get("$ref"):
        schema = definitions[str(reference).rpartition("/")[2]]
    if choices := schema.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices)
    if either := schema.get("anyOf"):
        named = [kind(one, definitions) for one in either if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(named))
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}), definitions) or 'anything'}"
    types = schema.get("type", "")
    either = types if isinstance(types, list) else [types]
    return " ".join((" or ".join(either), *limits(schema))).strip()


def limits(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a number's limits."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    yield from (f"{sign} {schema[name]}" for name, sign in signs.items() if name in schema)


def default(schema: Mapping[str, Any]) -> str:
    """Return an argument's default, if it has one worth showing."""
    value = schema.get("default")
    return "" if value in (None, "", [], {}) else f"`{str(value).lower()}`"


if __name__ == "__main__":
    text = "\n".join([INTRODUCTION, *map(section, anyio.run(listed))])
    sys.exit(write_or_check("tools.md", text))
