"""Modes: the caller prefers speed or thoroughness, and the router decides how much to run."""

import asyncio

from tmws_mcp import open_engine

QUERY = "is the layout as we decided"


async def main() -> None:
    """Ask the same question in each mode, without running anything."""
    async with open_engine() as engine:
        for mode in ("fast", "balanced", "comprehensive"):
            asked = {"query": QUERY, "mode": mode, "dry_run": True, "explain": True}
            reply = await engine.pattern_execute(asked)
            print(f"{mode}: {reply.pattern} by route {reply.route}")
            assert reply.explanation is not None
            print("  " + reply.explanation.route)
    # shows fast: hybrid.compare_with_decision
    # shows comprehensive: hybrid.compare_with_decision by route hybrid


asyncio.run(main())
