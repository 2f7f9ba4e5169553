"""The workflow of Artemis, who optimises: recall, analyse, find what is similar, plan."""

import asyncio

from tmws_mcp import Settings, open_engine

STEPS = ("profile_run", "batch_inserts", "benchmark_run")
TASK = "speed up the nightly import"


async def main() -> None:
    """Let Artemis learn from two runs, and ask her for the third."""
    settings = Settings.load().model_copy(update={"persona": "artemis"})
    async with open_engine(settings) as engine:
        await engine.store_memory(
            {"content": "The nightly import writes row by row; batches of 500 were 4 times faster"}
        )
        for number in range(2):
            await engine.observe_interaction(
                {
                    "session_id": f"import-{number}",
                    "task": TASK,
                    "interactions": [{"tool_used": tool} for tool in STEPS],
                    "outcome": "success",
                    "evidence": "tests",
                }
            )
        reply = await engine.pattern_execute({"query": "how can I optimise the nightly import"})
        print(reply.pattern, reply.result["attempts"])  # shows 4 times faster
        plan = await engine.get_recommendations({"task": TASK, "want": "workflow"})
        print(plan.recommendations[0].action)  # shows batch_inserts


asyncio.run(main())
