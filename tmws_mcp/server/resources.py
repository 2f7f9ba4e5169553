"""What a client can read without calling a tool: JSON, for people and programs to look into.

To add a resource, give the engine a method and one of the two tables a row.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pydantic_core
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource

from tmws_mcp.errors import NotFound, TmwsError
from tmws_mcp.server.connection import SharedEngine
from tmws_mcp.server.guard import Limits
from tmws_mcp.server.learned_resources import add_learned_resources

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine

JSON = "application/json"
LEARNED_MAX = 200


@dataclass(frozen=True, slots=True)
class Document:
    """A row: what stands at a URI."""

    uri: str
    name: str
    description: str
    read: Callable[["Engine"], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Collection:
    """A row: one thing out of many, by its id."""

    uri: str
    name: str
    description: str
    read: Callable[["Engine", str], Awaitable[Any]]
    completes: str
    """What `Engine.complete` calls its ids."""


DOCUMENTS = (
    Document(
        "tmws://status",
        "status",
        "Health, tier and problems of this server, each with its remedy",
        lambda engine: engine.status(),
    ),
    Document(
        "tmws://stats",
        "stats",
        "How much is stored and learned",
        lambda engine: engine.statistics(),
    ),
    Document(
        "tmws://patterns",
        "patterns",
        "The authored patterns that pattern_execute can run",
        lambda engine: engine.patterns(),
    ),
    Document(
        "tmws://upstream",
        "upstream",
        "The other MCP servers whose tools patterns may call; reading it starts them",
        lambda engine: engine.upstream(),
    ),
    Document(
        "tmws://learned",
        "learned",
        f"The newest {LEARNED_MAX} learned patterns with their evidence",
        lambda engine: engine.learned({"limit": LEARNED_MAX}),
    ),
)

COLLECTIONS = (
    Collection(
        "tmws://memory/{id}",
        "memory",
        "One memory in full, with its links",
        lambda engine, name: engine.memory(name),
        "memory",
    ),
    Collection(
        "tmws://recall/{id}",
        "recall_explained",
        "Why a query (the id, percent-encoded) finds what it finds: what each signal adds",
        lambda engine, query: engine.explain_recall(unquote(query)),
        "query",
    ),
    Collection(
        "tmws://patterns/{id}",
        "pattern",
        "One authored pattern: its triggers, examples and steps",
        lambda engine, name: engine.pattern(name),
        "pattern",
    ),
    Collection(
        "tmws://learned/{id}",
        "learned_pattern",
        "One learned pattern with its evidence",
        lambda engine, name: engine.learned_pattern(name),
        "learned",
    ),
)


def add_resources(server: MCPServer[Any], engine: SharedEngine, limits: Limits) -> None:
    """Register all resources."""
    for document in DOCUMENTS:
        server.add_resource(_resource(document, engine, limits))
    for collection in COLLECTIONS:
        server.resource(
            collection.uri,
            name=collection.name,
            description=collection.description,
            mime_type=JSON,
        )(_reader(collection, engine, limits))
    add_learned_resources(server, lambda read: _json(read, engine, limits))


def _resource(document: Document, engine: SharedEngine, limits: Limits) -> FunctionResource:
    async def read() -> str:
        return await _json(document.read, engine, limits)

    return FunctionResource(
        uri=document.uri,
        name=document.name,
        description=document.description,
        mime_type=JSON,
        fn=read,
    )


def _reader(
    collection: Collection, engine: SharedEngine, limits: Limits
) -> Callable[[str], Awaitable[str]]:
    async def read(id: str) -> str:  # noqa: A002 - the template's variable
        return await _json(lambda opened: collection.read(opened, id), engine, limits)

    return read


async def _json(
    read: Callable[["Engine"], Awaitable[Any]], engine: SharedEngine, limits: Limits
) -> str:
    """Return what is read as JSON; our errors become those of the protocol."""
    try:
        async with limits.turn():
            value = await read(await engine.get())
    except NotFound as error:
        raise ResourceNotFoundError(str(error)) from error
    except TmwsError as error:
        raise ResourceError(str(error)) from error
    return pydantic_core.to_json(value, exclude_none=True, indent=1).decode()
