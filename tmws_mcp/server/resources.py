"""What a client can read without calling a tool: JSON, for people and programs to look into.

What there is stands in documents.py and learned_resources.py.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pydantic_core
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource

from tmws_mcp.errors import NotFound, TmwsError
from tmws_mcp.server.connection import SharedEngine
from tmws_mcp.server.documents import COLLECTIONS, DOCUMENTS, JSON, Collection, Document
from tmws_mcp.server.guard import Limits
from tmws_mcp.server.learned_resources import add_learned_resources

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine


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
    add_learned_resources(
        partial(server.resource, mime_type=JSON), lambda read: _json(read, engine, limits)
    )


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
