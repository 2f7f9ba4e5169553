"""Two instances share what they learned over Redis: what one observes, the other recommends.

Needs a Redis, named by TMWS_REDIS_URL. Memories are never shared.
"""

import asyncio
import os
from pathlib import Path

from tmws_mcp import Settings, open_engine

TASK = "rotate the certificates"
SECONDS_MAX = 30


def instance(name: str) -> Settings:
    """Return the settings of an instance with a store of its own."""
    home = Path(os.environ["TMWS_HOME"], name)
    shared = {
        "TMWS_NAMESPACE": "team",
        "TMWS_FEDERATION_NAMESPACES": "team",
        "TMWS_FEDERATION_KEYS": "a secret of the whole team",
    }
    named = {"TMWS_HOME": str(home), "TMWS_REDIS_URL": os.environ["TMWS_REDIS_URL"]}
    return Settings.load(named | shared)


async def main() -> None:
    """Observe in the first, and ask the second until it has heard."""
    async with open_engine(instance("first")) as first, open_engine(instance("second")) as second:
        await second.status()  # opens its store, so that it listens
        for number in range(2):
            steps = [{"tool_used": "drain"}, {"tool_used": "renew"}, {"tool_used": "reload"}]
            await first.observe_interaction(
                {
                    "session_id": f"run-{number}",
                    "task": TASK,
                    "interactions": steps,
                    "outcome": "success",
                }
            )
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                advice = await second.get_recommendations({"task": TASK, "want": "workflow"})
                if advice.recommendations:
                    break
                await asyncio.sleep(0.2)
        print(advice.recommendations[0].action)  # shows renew


asyncio.run(main())
