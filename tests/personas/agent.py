"""An agent that does what a persona's prompt says, through an MCP client.

A model would choose and judge; this one is scripted by the test. It makes exactly the calls that
stand in the prompt with all their arguments, which shows that they can be made as they stand.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from mcp import Client
from mcp_types import TextContent

from tests.server.calls import text_of

_CALL = re.compile(r"\b(?P<tool>[a-z]+_[a-z]+) (?=\{)")


@dataclass(frozen=True)
class Call:
    """A call that stands in a prompt."""

    tool: str
    arguments: dict[str, Any]


async def prompt(client: Client, persona: str, target: str, **arguments: str) -> str:
    """Return what a persona is told to do."""
    found = await client.get_prompt(persona, {"target": target, **arguments})
    (message,) = found.messages
    assert isinstance(message.content, TextContent)
    return message.content.text


def calls(text: str) -> list[Call]:
    """Return the calls of a prompt whose arguments are complete."""
    decoder = json.JSONDecoder()
    found = []
    for match in _CALL.finditer(text):
        try:
            arguments, _ = decoder.raw_decode(text, match.end())
        except json.JSONDecodeError:
            assert '{"content": ...' in text[match.end() :][:20]  # the agent fills it in
            continue
        found.append(Call(match["tool"], arguments))
    return found


async def follow(client: Client, persona: str, target: str) -> dict[str, str]:
    """Make the calls of a prompt in their order, and return what each answered."""
    answers = {}
    for call in calls(await prompt(client, persona, target)):
        result = await client.call_tool(call.tool, call.arguments)
        assert not result.is_error, text_of(result)
        answers[f"{call.tool} {json.dumps(call.arguments)}"] = text_of(result)
    return answers
