"""Message logs in the form of OpenAI's chat API: `tool_calls`, and `tool` messages that answer.

One conversation is an object with `messages`, or an array of them; a file holds one, an array of
them, or one in each line. Its name is `id`, `conversation_id` or `session_id`, else the hash of how
it begins.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from pydantic import JsonValue

from tmws_mcp.ingest.calls import Call, between, ended, failure, interaction, moment
from tmws_mcp.ingest.files import Advance, Complain, document
from tmws_mcp.model import Interaction, JsonObject

SUFFIXES = (".jsonl", ".json")
MESSAGES_MAX = 100_000
NAMES = ("session_id", "conversation_id", "thread_id", "id")
NAMED_BY = 4
"""Messages by which a conversation without a name is told from others."""


def read(path: Path, complain: Complain, advance: Advance) -> Iterator[Interaction]:
    """Give the calls of each conversation, with how they ended as far as the log tells."""
    for entry in document(path, complain, advance):
        messages = entry.get("messages")
        if isinstance(messages, list):
            yield from _conversation(entry, [m for m in messages if isinstance(m, dict)])


def _conversation(entry: JsonObject, messages: list[JsonObject]) -> Iterator[Interaction]:
    messages = messages[:MESSAGES_MAX]
    name = _name(entry, messages)
    answers = {str(m.get("tool_call_id")): m for m in messages if m.get("role") == "tool"}
    about = Call(session=name, step=0, tool="")
    for message in messages:
        if message.get("role") == "user" and (said := text_of(message.get("content"))):
            about = replace(about, turn=said, task=about.task or said)
        for call in _calls(message):
            if (answer := answers.get(str(call.get("id")))) is not None:
                yield interaction(_call(call, message, answer, about))
            about = replace(about, step=about.step + 1)
    if about.step:
        yield ended(name)


def _name(entry: JsonObject, messages: list[JsonObject]) -> str:
    for name in NAMES:
        if isinstance(entry.get(name), str | int):
            return str(entry[name])
    begins = json.dumps(messages[:NAMED_BY], sort_keys=True).encode()
    return f"log-{blake2b(begins, digest_size=8).hexdigest()}"


def _calls(message: JsonObject) -> Iterator[JsonObject]:
    calls = message.get("tool_calls")
    if message.get("role") == "assistant" and isinstance(calls, list):
        yield from (call for call in calls if isinstance(call, dict))


def _call(call: JsonObject, message: JsonObject, answer: JsonObject, about: Call) -> Call:
    function = call.get("function")
    named = function if isinstance(function, dict) else call
    error = failure(_parsed(text_of(answer.get("content"))))
    return replace(
        about,
        tool=str(named.get("name") or "unnamed"),
        ok=not error,
        error=error,
        seconds=between(moment(message.get("timestamp")), moment(answer.get("timestamp"))),
        arguments=_parsed(named.get("arguments")),
    )


def text_of(content: JsonValue) -> str:
    """Return the text of a message: plain, or in parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _parsed(value: JsonValue) -> JsonValue:
    """Return what JSON in a text says; a text that is none as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        parsed: JsonValue = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return parsed
