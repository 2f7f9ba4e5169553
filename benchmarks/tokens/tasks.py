"""Doing a task in two ways, with all that each makes a model write and read.

One way is a call of pattern_execute. The other are the calls that a sensible agent would make
without it, one by one: our memory and recommendation tools, and a plain server's for the rest. A
task has `facts`, texts that its answer must hold. Where ours lacks one that the calls bring, the
agent has to make them after all: both ways are counted then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mcp import Client
from mcp_types import CallToolResult, TextContent, TextResourceContents
from pydantic import JsonValue

DATA = Path(__file__).resolve().parents[1] / "data" / "token_tasks.jsonl"
RESOURCE = "resource"
"""In place of a tool: what is told by no tool of ours but pattern_execute."""


@dataclass(frozen=True)
class Task:
    """A query, and the calls that would do the same."""

    query: str
    calls: Sequence[tuple[str, Mapping[str, JsonValue]]]
    facts: Sequence[str]


@dataclass(frozen=True)
class Exchange:
    """What a model writes to call, and what it reads of the answer."""

    call: str
    result: str

    @property
    def text(self) -> str:
        """Both, as they are counted."""
        return f"{self.call}\n{self.result}"


@dataclass(frozen=True)
class Done:
    """A task done in both ways."""

    task: Task
    ours: Exchange
    theirs: Sequence[Exchange]
    pattern: str

    @property
    def lacking(self) -> tuple[str, ...]:
        """The facts that the calls bring and ours does not."""
        brought = "\n".join(each.result for each in self.theirs)
        return tuple(f for f in self.task.facts if f in brought and f not in self.ours.result)

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The facts that neither way brings: a mistake of the task."""
        brought = "\n".join((self.ours.result, *(each.result for each in self.theirs)))
        return tuple(fact for fact in self.task.facts if fact not in brought)


def read_tasks(now: datetime, path: Path = DATA) -> list[Task]:
    """Return the tasks; `{yesterday}` and `{week}` stand for moments before `now`."""
    text = path.read_text("utf-8")
    for name, days in (("yesterday", 1), ("week", 7)):
        day = (now - timedelta(days=days)).date().isoformat()
        text = text.replace(f"{{{name}}}", day)
    read = (json.loads(line) for line in text.splitlines())
    return [
        Task(
            query=task["query"],
            calls=[(name, given) for name, given in task["calls"]],
            facts=task["facts"],
        )
        for task in read
    ]


async def do(task: Task, ours: Client, alone: Client, plain: Client) -> Done:
    """Do a task in both ways; `alone` has our other tools, on a store of its own."""
    known = {tool.name for tool in (await plain.list_tools()).tools}
    theirs = [
        await _exchange(plain if name in known else alone, name, given)
        for name, given in task.calls
    ]
    executed = await ours.call_tool("pattern_execute", {"query": task.query})
    structured = executed.structured_content or {}
    called = _written("pattern_execute", {"query": task.query})
    exchange = Exchange(called, _text(executed))
    return Done(task, exchange, theirs, str(structured.get("pattern")))


async def _exchange(client: Client, name: str, given: Mapping[str, JsonValue]) -> Exchange:
    if name == RESOURCE:
        (content,) = (await client.read_resource(str(given["uri"]))).contents
        assert isinstance(content, TextResourceContents)
        return Exchange(_written("read_resource", given), content.text)
    return Exchange(_written(name, given), _text(await client.call_tool(name, dict(given))))


def _written(name: str, given: Mapping[str, JsonValue]) -> str:
    """Return a call as a model writes it."""
    return json.dumps({"name": name, "arguments": given}, ensure_ascii=False, separators=(",", ":"))


def _text(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


async def listed(client: Client, leave: str = "") -> str:
    """Return what a client puts before its model: names, descriptions, schemas as compact JSON."""
    tools = [tool for tool in (await client.list_tools()).tools if tool.name != leave]
    return "\n".join(
        f"{tool.name}\n{tool.description}\n{json.dumps(tool.input_schema, separators=(',', ':'))}"
        for tool in tools
    )
