"""A batch: several questions answered side by side, within one token budget."""

import asyncio

from tmws_mcp import open_engine

QUESTIONS = ["what is 12 * 12", "health check", "which port does staging use"]


async def main() -> None:
    """Ask three things at once."""
    async with open_engine() as engine:
        await engine.store_memory({"content": "Staging listens on port 8931"})
        batch = await engine.pattern_execute_many(QUESTIONS, token_budget=600)
        for one in batch.answers:
            print(f"{one.query}: {one.reply.pattern if one.reply else one.error}")
        print(f"{batch.tokens} tokens in all")
    # shows what is 12 * 12: infrastructure.calculate
    # shows health check: infrastructure.health


asyncio.run(main())
