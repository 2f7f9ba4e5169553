"""Count what tools/list costs a model: names, descriptions and input schemas of all listed tools.

Counted with the o200k tokenizer (the npm package gpt-tokenizer) where node and npm are there, in
characters otherwise; which of the two is printed, since only the first is exact.
"""

import json
import sys
import tempfile

import anyio
from mcp import Client

from benchmarks.tokens.o200k import counts
from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings

TOKENS_MAX = 1500
CHARS_MAX = 5600
"""What 1,500 tokens of JSON and plain English have at least."""


def main() -> int:
    """Print the count; 1 if it is over the limit."""
    text = anyio.run(listed_tools)
    tokens = tokens_of(text)
    if tokens is None:
        why = "no tokenizer: node, npm or its package cannot be had"
        print(f"tools/list: {len(text)} characters ({why}), at most {CHARS_MAX}")
        return int(len(text) > CHARS_MAX)
    print(f"tools/list: {tokens} o200k tokens ({len(text)} characters), at most {TOKENS_MAX}")
    return int(tokens > TOKENS_MAX)


async def listed_tools() -> str:
    """Return what a client puts before its model: names, descriptions, schemas as compact JSON."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.load({"TMWS_HOME": home})
        async with Client(build_server(settings)) as client:
            tools = (await client.list_tools()).tools
    schemas = (json.dumps(tool.input_schema, separators=(",", ":")) for tool in tools)
    described = (f"{tool.name}\n{tool.description}" for tool in tools)
    return "\n".join(f"{text}\n{schema}" for text, schema in zip(described, schemas, strict=True))


def tokens_of(text: str) -> int | None:
    """Count tokens with the tokenizer; None where it cannot be had."""
    counted = counts([text])
    return counted[0] if counted else None


if __name__ == "__main__":
    sys.exit(main())
