"""Ask by a pattern that calls the action of the installed package beside this file."""

import asyncio
from pathlib import Path

from tmws_mcp import Settings, open_engine

PATTERNS = Path(__file__).parent / "patterns"


async def main() -> None:
    """Ask who is on call."""
    settings = Settings.load().model_copy(update={"pattern_dirs": (PATTERNS,)})
    async with open_engine(settings) as engine:
        reply = await engine.pattern_execute({"query": "who is on call on Monday"})
        print(reply.result)  # shows Ana


asyncio.run(main())
