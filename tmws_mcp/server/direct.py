"""The server's tools and resources without the protocol, for a command that looks at the store.

The SDK of the protocol takes most of such a command's time to load. What is asked goes through the
same tables, checks and texts; tests/server/test_direct.py holds the answers beside those that a
client gets.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pydantic_core

from tmws_mcp.errors import NotFound, TmwsError
from tmws_mcp.model import JsonObject
from tmws_mcp.model.problems import validated
from tmws_mcp.server.documents import COLLECTIONS, DOCUMENTS, Collection
from tmws_mcp.server.entries import Caller, Entry, Hints, entries
from tmws_mcp.server.guard import Limits, checked_output, prepared, refusal
from tmws_mcp.server.learned_resources import add_learned_resources
from tmws_mcp.server.schemas import input_schema, output_schema
from tmws_mcp.settings import Settings

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool answered."""

    text: str
    structured: JsonObject
    is_error: bool = False


class Direct:
    """Answers calls of tools and reads resources, over an open engine."""

    def __init__(self, engine: "Engine", settings: Settings, caller: Caller) -> None:
        self._engine, self._caller = engine, caller
        self._entries = {entry.name: entry for entry in entries(settings)}
        self._limits = Limits(
            calls_max=settings.calls_max, call_seconds_max=settings.call_seconds_max
        )
        self._queries: dict[str, Callable[..., Awaitable[str]]] = {}
        add_learned_resources(self._register, self._json)

    def tools(self) -> list[JsonObject]:
        """Return the tools as tools/list has them."""
        return [_listed(entry) for entry in self._entries.values()]

    async def call(self, name: str, arguments: JsonObject) -> Reply:
        """Call a tool; what the caller or the world got wrong is the answer's text."""
        entry = self._entries.get(name)
        if entry is None:
            return Reply(f"Unknown tool: {name}", {}, is_error=True)
        try:
            request = validated(entry.request, prepared(arguments, input_schema(entry.request)))
            async with self._limits.turn():
                value = await entry.call(self._engine, request, self._caller)
            return Reply(checked_output(entry.text(value)), entry.facts(value))
        except TmwsError as error:
            return Reply(refusal(str(error)), {}, is_error=True)

    async def read(self, uri: str) -> Any:
        """Return what the resource at a URI holds.

        Raises:
            NotFound: There is none.
        """
        parts = urlsplit(uri)
        if query := self._queries.get(parts.netloc):
            return json.loads(await query(**dict(parse_qsl(parts.query))))
        for document in DOCUMENTS:
            if document.uri == uri:
                return json.loads(await self._json(document.read))
        for collection in COLLECTIONS:
            before = collection.uri.removesuffix("{id}")
            if uri.startswith(before) and uri != before:
                return json.loads(await self._json(_one(collection, uri.removeprefix(before))))
        raise NotFound("resource", uri, remedy="The guide of the inspector lists them.")

    async def _json(self, read: Callable[["Engine"], Awaitable[Any]]) -> str:
        async with self._limits.turn():
            value = await read(self._engine)
        return pydantic_core.to_json(value, exclude_none=True).decode()

    def _register(self, uri: str, **_: str) -> Callable[[Callable[..., Awaitable[str]]], None]:
        """Keep a resource whose arguments stand in the URI's query, under its name."""

        def keep(read: Callable[..., Awaitable[str]]) -> None:
            self._queries[urlsplit(uri).netloc.partition("{")[0]] = read

        return keep


def _one(collection: Collection, name: str) -> Callable[["Engine"], Awaitable[Any]]:
    return lambda engine: collection.read(engine, name)


def _listed(entry: Entry) -> JsonObject:
    return {
        "name": entry.name,
        "title": entry.title,
        "description": entry.description,
        "inputSchema": input_schema(entry.request),
        "outputSchema": output_schema(entry.reply),
        "annotations": {"title": entry.title, **_hints(entry.hints)},
    }


def _hints(hints: Hints) -> JsonObject:
    return {
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "idempotentHint": hints.idempotent,
        "openWorldHint": hints.open_world,
    }
