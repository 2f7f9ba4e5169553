"""Error handling: what goes wrong is a TmwsError, whose text says what to do next."""

import asyncio

from tmws_mcp import open_engine
from tmws_mcp.errors import InvalidInput, NotFound, TmwsError


async def main() -> None:
    """Make the usual mistakes."""
    async with open_engine() as engine:
        try:
            await engine.recall_memory({"query": "ports", "limt": 3})
        except InvalidInput as error:
            print(error)  # shows limit

        try:
            await engine.memory("no-such-id")
        except NotFound as error:
            print(error)  # shows recall_memory

        try:
            await engine.add_pattern({"id": "memory.broken", "route": "memory"})
        except TmwsError as error:
            print(error)  # shows steps

        # Having nothing to say is no error: the reply says why.
        advice = await engine.get_recommendations({"task": "bake bread"})
        print(advice.abstained)  # shows Nothing was observed


asyncio.run(main())
