"""The story that `tmws-mcp demo` tells, scene by scene, and what must come true in each.

The notes are those of building this project, and the steps were recorded while it was built. Each
scene calls tools of a running server and checks the replies: a story that cannot fail proves
nothing.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tmws_mcp.cli import demo_lessons
from tmws_mcp.cli.demo_material import notes, notes_in_full
from tmws_mcp.cli.demo_stage import Stage
from tmws_mcp.model import ExecuteReply, RecallReply, StoreReply

KEY = "D-19"
PARAPHRASE, PARAPHRASED = "hide login credentials", "D-27"
UNKNOWN = "sourdough bread recipe"
COUNT = "how many memories are there"
DECIDED, DECISION = "what did we decide about dependencies", "D-26"
COMPARED, COMPARED_WITH = "is the layout as we decided", "D-24"


@dataclass(frozen=True, slots=True)
class Scene:
    """A part of the story."""

    title: str
    play: Callable[[Stage], Awaitable[None]]


async def _store(stage: Stage) -> None:
    count = len(notes())
    replies = [
        await stage.quietly("store_memory", dict(note), of=f"storing note {number} of {count}")
        for number, note in enumerate(notes(), 1)
    ]
    created = sum(StoreReply.model_validate(reply.structured).created for reply in replies)
    stage.say(f"{created} notes stored, each in a transaction of its own.")
    stage.expect("every note was new", created == count)
    again = await stage.call("store_memory", dict(notes()[0]))
    repeated = StoreReply.model_validate(again.structured)
    first = StoreReply.model_validate(replies[0].structured)
    stage.expect("storing one again answers with the first one's id", repeated.id == first.id)


async def _recall_by_key(stage: Stage) -> None:
    reply = await _recalled(stage, KEY)
    stage.expect(f"{KEY} comes first", _starts(reply)[:1] == [KEY])


async def _recall_by_meaning(stage: Stage) -> None:
    reply = await _recalled(stage, PARAPHRASE)
    stage.say("The note speaks of passwords and API keys: query and note share no word.")
    if reply.tier == "lexical":
        stage.say("Words alone answer here, so that a paraphrase may find nothing.")
    else:
        stage.expect(f"{PARAPHRASED} comes first", _starts(reply)[:1] == [PARAPHRASED])


async def _recall_nothing(stage: Stage) -> None:
    reply = await _recalled(stage, UNKNOWN)
    stage.expect("nothing is found, and the reply says so", not reply.memories and bool(reply.note))


async def _run_infrastructure(stage: Stage) -> None:
    reply = await _executed(stage, COUNT)
    stage.expect("the route is infrastructure", reply.route == "infrastructure")
    stage.expect("the count is right", str(len(notes())) in json.dumps(reply.result))


async def _run_memory(stage: Stage) -> None:
    reply = await _executed(stage, DECIDED)
    stage.expect("the route is memory", reply.route == "memory")
    stage.expect(f"{DECISION} is there", DECISION in json.dumps(reply.result))


async def _run_hybrid(stage: Stage) -> None:
    reply = await _executed(stage, COMPARED)
    worked = {step.name for step in reply.steps if step.ok}
    stage.expect("the route is hybrid", reply.route == "hybrid")
    stage.expect("folder and decisions were read side by side", {"now", "decided"} <= worked)
    stage.expect(f"{COMPARED_WITH} is there", COMPARED_WITH in json.dumps(reply.result))


async def _explain(stage: Stage) -> None:
    request = {"query": COMPARED, "dry_run": True, "explain": True}
    answer = await stage.call("pattern_execute", request)
    reply = ExecuteReply.model_validate(answer.structured)
    why = reply.explanation
    stage.expect("it says why this route", why is not None and bool(why.route))
    stage.expect("and what else was weighed", why is not None and bool(why.alternatives))
    stage.expect("nothing was run", not reply.steps)


async def _recalled(stage: Stage, query: str) -> RecallReply:
    answer = await stage.call("recall_memory", {"query": query}, history=notes_in_full())
    return RecallReply.model_validate(answer.structured)


async def _executed(stage: Stage, query: str) -> ExecuteReply:
    answer = await stage.call("pattern_execute", {"query": query}, history=notes_in_full())
    return ExecuteReply.model_validate(answer.structured)


def _starts(reply: RecallReply) -> list[str]:
    """Return the decisions' numbers, with which their notes begin."""
    return [memory.content.partition(":")[0] for memory in reply.memories]


SCENES = (
    Scene("Store the notes of building this project", _store),
    Scene("Recall by a literal key", _recall_by_key),
    Scene("Recall by a paraphrase", _recall_by_meaning),
    Scene("Ask for what nobody stored", _recall_nothing),
    Scene("Answer without searching: the infrastructure route", _run_infrastructure),
    Scene("Answer from memory: the memory route", _run_memory),
    Scene("Hold the folder as it is against what was decided: the hybrid route", _run_hybrid),
    Scene("Explain one decision of the router", _explain),
    Scene("Observe the recorded steps of building it", demo_lessons.observe),
    Scene("Run into an error, and ask for the way out", demo_lessons.recover),
    Scene("Ask for the next tool", demo_lessons.next_tool),
    Scene("Ask for a whole workflow", demo_lessons.workflow),
    Scene("Ask about what nobody did", demo_lessons.abstain),
)
