"""Python without MCP: the engine in a program, one method for each tool."""

import asyncio

from tmws_mcp import open_engine


async def main() -> None:
    """Remember, recall, observe and ask for advice."""
    async with open_engine() as engine:
        await engine.store_memory({"content": "Releases are cut on Thursdays"})
        found = await engine.recall_memory({"query": "which weekday do we ship"})
        print(found.memories[0].content)  # shows Thursdays

        await engine.observe_interaction({"task": "release", "tool_used": "publish"})
        advice = await engine.get_recommendations({"task": "release"})
        best = advice.recommendations[0]
        print(best.action, "-", best.why)  # shows publish


asyncio.run(main())
