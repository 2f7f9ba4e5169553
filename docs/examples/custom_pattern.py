"""A custom pattern with an action of one's own, for as long as the engine lives.

A pattern for every session is a file: docs/guides/patterns.md.
"""

import asyncio

from tmws_mcp import open_engine

PATTERN = {
    "id": "hybrid.stock",
    "route": "hybrid",
    "summary": "How many of a thing are there, and what was agreed on it",
    "triggers": {"regex": [r"(?i)\bhow many (?P<thing>\w+) are (?:left|in stock)\b"]},
    "examples": {"match": ["how many bolts are left"], "no_match": ["how many tests are there"]},
    "steps": [
        {"name": "stock", "action": "shop.stock", "with": {"thing": "{thing}"}},
        {"name": "agreed", "recall": "{thing}", "limit": 2},
    ],
}


def stock(thing: str) -> dict[str, int]:
    """Look into the shop."""
    return {thing: {"bolts": 12}.get(thing, 0)}


async def main() -> None:
    """Answer by an action beside the memory."""
    async with open_engine() as engine:
        await engine.store_memory({"content": "We order bolts again below 20"})
        await engine.add_pattern(PATTERN, actions={"shop.stock": stock})
        reply = await engine.pattern_execute({"query": "how many bolts are left?"})
        print(reply.pattern)  # shows hybrid.stock
        print(reply.result)  # shows 12
        # shows below 20


asyncio.run(main())
