"""A small benchmark: what a call costs the first time, and from the cache.

It measures this machine at this moment. What the project states is printed by `make bench`.
"""

import asyncio
from statistics import median
from time import perf_counter

from tmws_mcp import open_engine

ROUNDS = 20


async def main() -> None:
    """Ask one question many times."""
    async with open_engine() as engine:
        await engine.store_memory({"content": "Staging listens on port 8931"})
        times, cached = [], []
        for _ in range(ROUNDS):
            began = perf_counter()
            reply = await engine.pattern_execute({"query": "what did we decide about ports"})
            times.append(1000 * (perf_counter() - began))
            cached.append(reply.cached)
        print(f"first {times[0]:.1f} ms, then {median(times[1:]):.2f} ms in the median")
        print(f"answered from the cache: {sum(map(bool, cached))} of {ROUNDS}")
    # shows answered from the cache: 19 of 20


asyncio.run(main())
