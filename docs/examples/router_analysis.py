"""Router analysis: where questions would lead, how sure, and what else was near."""

import asyncio

from tmws_mcp import open_engine

QUESTIONS = (
    "what is 17 % of 240",
    "what did we decide about the database",
    "do the dependencies still follow what we agreed on",
)


async def main() -> None:
    """Explain each question; nothing is run."""
    async with open_engine() as engine:
        for query in QUESTIONS:
            reply = await engine.pattern_execute({"query": query, "dry_run": True, "explain": True})
            print(f"{query}\n  {reply.route}: {reply.pattern} ({reply.matched_by})")
            for other in reply.explanation.alternatives[:2] if reply.explanation else ():
                print(f"  {other.score:.2f} {other.route}: {other.why}")
    # shows infrastructure: infrastructure.calculate
    # shows memory: memory.decisions
    # shows hybrid: hybrid.compare_with_decision


asyncio.run(main())
