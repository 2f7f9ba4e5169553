"""A real MCP client: of a process that is started for a command, or of a server at a URL."""

import json
import os
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import anyio
import typer
from mcp import Client, MCPError, StdioServerParameters
from mcp_types import CONNECTION_CLOSED, CallToolResult, TextContent, TextResourceContents

from tmws_mcp.cli.bearer import REMEDY, bearer_headers
from tmws_mcp.cli.exits import FAILED, end
from tmws_mcp.cli.target import Answer, Server
from tmws_mcp.errors import InvalidInput, NotAllowed, TmwsError
from tmws_mcp.model import JsonObject

T = TypeVar("T")

CALL_SECONDS_MAX = 120.0
PAGE_TOOLS_MAX = 50  # pages of tools/list: a server that never ends must not keep us for ever
RESOURCE_NOT_FOUND = (-32002, -32602)  # the codes of 2025-11-25 and of 2026-07-28


class ClientServer(Server):
    """A connected server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Call a tool."""
        result = await self._client.call_tool(
            tool, arguments, read_timeout_seconds=CALL_SECONDS_MAX
        )
        return _answer(result)

    async def read(self, uri: str) -> Any:
        """Return what the JSON resource at `uri` holds; None where there is none."""
        try:
            result = await self._client.read_resource(uri)
        except MCPError as error:
            if error.code in RESOURCE_NOT_FOUND:
                return None
            raise
        for content in result.contents:
            if isinstance(content, TextResourceContents):
                return json.loads(content.text)
        return None

    async def tools(self) -> list[JsonObject]:
        """Return its tools as tools/list has them."""
        page = await self._client.list_tools()
        listed = list(page.tools)
        for _ in range(PAGE_TOOLS_MAX):
            if not page.next_cursor:
                break
            page = await self._client.list_tools(cursor=page.next_cursor)
            listed += page.tools
        return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]


def run_as_client(command: str, url: str, work: Callable[[Server], Awaitable[T]]) -> T:
    """Connect, do the work, and return its result; what goes wrong ends the command."""

    async def connected() -> T:
        async with _client(command, url) as client:
            return await work(ClientServer(client))

    try:
        return anyio.run(connected)
    except Exception as error:  # noqa: BLE001 - sorted out at once
        _end_with(error, command or url)


def _end_with(error: BaseException, target: str) -> NoReturn:
    """End the command: the client wraps what is raised inside it into groups."""
    cause = _first_cause(error)
    if isinstance(cause, TmwsError | typer.Exit):
        raise cause from None
    if isinstance(cause, MCPError) and cause.code != CONNECTION_CLOSED:
        end(FAILED, f"The server refused: {cause}")
    end(FAILED, f"{target} could not be spoken to as an MCP server: {cause or type(cause)}")


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@asynccontextmanager
async def _client(command: str, url: str) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(_at(url)) if url else _process(command)
        client = Client(server, read_timeout_seconds=CALL_SECONDS_MAX)
        yield await stack.enter_async_context(client)


@asynccontextmanager
async def _at(url: str) -> AsyncIterator[Any]:
    """Give the transport to a server at a URL, with the caller's token where there is one.

    Raises:
        NotAllowed: The server wants another token; the SDK's own error would not say so.
    """
    import httpx2  # noqa: PLC0415 - a URL alone needs it
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - a URL alone needs it

    statuses = set()

    async def note(response: httpx2.Response) -> None:
        statuses.add(response.status_code)

    hooks = {"response": [note]}
    async with httpx2.AsyncClient(
        headers=bearer_headers(url), timeout=CALL_SECONDS_MAX, event_hooks=hooks
    ) as web:
        try:
            yield streamable_http_client(url, http_client=web)
        except Exception as error:
            if HTTPStatus.UNAUTHORIZED in statuses:
                raise NotAllowed(f"{url} wants a token that it knows. {REMEDY}") from error
            raise


def _process(command: str) -> StdioServerParameters:
    program, *arguments = _split(command)
    # The whole environment: the SDK would pass a few names, and TMWS_* not among them.
    return StdioServerParameters(command=program, args=arguments, env=dict(os.environ))


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"--command {command!r} cannot be read: {error}.") from error
    if not words:
        raise InvalidInput("--command is empty; give it the command line of an MCP server.")
    return words


def _answer(result: CallToolResult) -> Answer:
    texts = [part.text for part in result.content if isinstance(part, TextContent)]
    structured = result.structured_content
    return Answer(
        text="\n".join(texts),
        structured=structured if isinstance(structured, dict) else {},
        is_error=bool(result.is_error),
    )
