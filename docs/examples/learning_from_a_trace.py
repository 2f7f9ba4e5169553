"""Learning from a trace: a log of another program becomes advice.

The command line does the same with files: `tmws-mcp import messages FILE`.
"""

import asyncio
import json
from itertools import count

from tmws_mcp import open_engine

TRACE = """\
{"run": "a", "tool": "search_flights", "error": "no date given"}
{"run": "a", "tool": "ask_user"}
{"run": "a", "tool": "search_flights"}
{"run": "b", "tool": "search_flights", "error": "no date given for 2 people"}
{"run": "b", "tool": "ask_user"}
{"run": "b", "tool": "book"}
"""


async def main() -> None:
    """Observe the trace twice, since a repeat is harmless, and ask."""
    steps = [
        {
            "session_id": line["run"],
            "step": number,
            "task": "book a flight",
            "tool_used": line["tool"],
            "success": "error" not in line,
            "error": line.get("error", ""),
        }
        for number, line in zip(count(), map(json.loads, TRACE.splitlines()), strict=False)
    ]
    async with open_engine() as engine:
        first = await engine.observe_interaction({"interactions": steps})
        again = await engine.observe_interaction({"interactions": steps})
        print(f"observed {first.observed}, then {again.observed}")  # shows observed 6, then 0

        failed = {"tool": "search_flights", "ok": False, "error": "no date given"}
        advice = await engine.get_recommendations({"recent_steps": [failed]})
        print(advice.recommendations[0].action)  # shows ask_user


asyncio.run(main())
