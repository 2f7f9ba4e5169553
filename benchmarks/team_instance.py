"""An instance of benchmarks/team.py: reads lines of JSON, answers with lines of JSON."""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.federation import bodies
from tmws_mcp.federation.slots import OUTCOME
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection

Answer = dict[str, Any]


async def status(engine: Engine, _: Mapping[str, Any]) -> Answer:
    """Open the store, so that sharing begins."""
    return {"federation": (await engine.status()).federation}


async def observe(engine: Engine, asked: Mapping[str, Any]) -> Answer:
    """Observe an interaction."""
    reply = await engine.observe_interaction(asked["told"])
    return {"observed": reply.observed}


async def runs(engine: Engine, asked: Mapping[str, Any]) -> Answer:
    """Say how many runs of the task's sequence are counted."""
    del asked
    found = await engine.learned({"kind": "task_sequence"})
    return {"n": max((one.evidence.support for one in found), default=0)}


async def advise(engine: Engine, asked: Mapping[str, Any]) -> Answer:
    """Recommend a workflow."""
    reply = await engine.get_recommendations({"task": asked["task"], "want": "workflow"})
    told = [
        f"{' > '.join(one.action)} ({one.why}, instances={one.evidence.instances})"
        for one in reply.recommendations[:1]
    ]
    return {"advice": told[0] if told else str(reply.abstained)}


async def totals(engine: Engine, _: Mapping[str, Any]) -> Answer:
    """Say how often each tool was counted by all instances: exact, not as far as it is believed."""
    store = await engine._store()  # noqa: SLF001 - looks at what no tool shows
    return {"totals": await store.read(_totals)}


def _totals(db: Connection) -> dict[str, int]:
    found: dict[str, int] = {}
    for ns in table.linked(db):
        for name in table.peers(db, ns):
            for slot in table.of_actor(db, ns, name):
                if slot.body and slot.key[:1] == OUTCOME:
                    kind, _, action = msgspec.msgpack.decode(slot.key[1:])
                    if kind == "tool":
                        found[action] = found.get(action, 0) + bodies.counts(slot.body).n
    return found


ANSWERS: dict[str, Callable[[Engine, Mapping[str, Any]], Awaitable[Answer]]] = {
    "status": status, "observe": observe, "runs": runs, "advise": advise,
    "totals": totals,
}  # fmt: skip


async def main() -> None:
    """Answer until there is no more to read."""
    async with open_engine() as engine:
        while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            asked = json.loads(line)
            answer = await ANSWERS[asked["ask"]](engine, asked)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    anyio.run(main)
