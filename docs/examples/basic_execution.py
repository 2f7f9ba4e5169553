"""Basic execution: a real MCP client starts the server and asks one question."""

import asyncio
import os
import sys

from mcp import Client, StdioServerParameters


async def main() -> None:
    """Ask for a sum, and read what a model would read."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "tmws_mcp"], env=dict(os.environ)
    )
    async with Client(server) as client:
        result = await client.call_tool("pattern_execute", {"query": "what is 6 * 7"})
        print(result.content[0].text)  # shows 42

        await client.call_tool("store_memory", {"content": "Staging listens on port 8931"})
        result = await client.call_tool("recall_memory", {"query": "port of staging"})
        print(result.content[0].text)  # shows 8931


asyncio.run(main())
