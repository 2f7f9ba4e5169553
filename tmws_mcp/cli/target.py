"""The server that a command talks to, always through a real MCP client.

Without an option it is this package's own server on the local store, in memory; with `--command` a
process that is started for the command's length and spoken to over stdio; with `--url` a server
that runs already. The inspector so shows what a model would see, never a shortcut around it.

The SDK is imported with the first connection: loading it takes most of a command's time, and most
commands of the command line connect to nothing.
"""

import json
import os
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import anyio
import typer

from tmws_mcp.cli.bearer import REMEDY, bearer_headers
from tmws_mcp.cli.exits import FAILED, end
from tmws_mcp.errors import InvalidInput, NotAllowed, TmwsError
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging
from tmws_mcp.tokens import estimate_tokens

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

T = TypeVar("T")

CALL_SECONDS_MAX = 120.0
RESOURCE_NOT_FOUND = (-32002, -32602)  # the codes of 2025-11-25 and of 2026-07-28

CommandOption = Annotated[
    str, typer.Option("--command", help="Start this MCP server and speak to it over stdio.")
]
UrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        help="Speak to the MCP server at this URL; its token is in TMWS_TOKEN, or in the file that "
        "TMWS_TOKEN_FILE names.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool answered."""

    text: str
    structured: dict[str, Any]
    is_error: bool

    @property
    def tokens(self) -> int:
        """Estimated tokens of what a model reads."""
        return estimate_tokens(self.text)


@dataclass(frozen=True, slots=True)
class Server:
    """A connected server."""

    client: "Client"

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Call a tool."""
        result = await self.client.call_tool(tool, arguments, read_timeout_seconds=CALL_SECONDS_MAX)
        return _answer(result)

    async def ask(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Call a tool with those arguments that have a value.

        An answer that is an error ends the command with its text.
        """
        given = {name: value for name, value in arguments.items() if value not in (None, "", [])}
        answer = await self.call(tool, given)
        if answer.is_error:
            end(FAILED, answer.text)
        return answer

    async def read(self, uri: str) -> Any:
        """Return what the JSON resource at `uri` holds; None where there is none."""
        from mcp import MCPError  # noqa: PLC0415 - loaded by the client by now
        from mcp_types import TextResourceContents  # noqa: PLC0415 - as above

        try:
            result = await self.client.read_resource(uri)
        except MCPError as error:
            if error.code in RESOURCE_NOT_FOUND:
                return None
            raise
        for content in result.contents:
            if isinstance(content, TextResourceContents):
                return json.loads(content.text)
        return None

    async def read_own(self, uri: str) -> Any:
        """Return what a resource holds that each server of ours has; another's ends the command."""
        found = await self.read(uri)
        if found is None:
            end(FAILED, f"The server has no resource {uri}: it is not a tmws-mcp server.")
        return found


def run(command: str, url: str, work: Callable[[Server], Awaitable[T]]) -> T:
    """Connect, do the work, and return its result; what goes wrong ends the command.

    Raises:
        InvalidInput: Both a command and a URL are given.
    """
    if command and url:
        raise InvalidInput("Give --command or --url, not both.")

    async def connected() -> T:
        async with _client(command, url) as client:
            return await work(Server(client))

    try:
        return anyio.run(connected)
    except Exception as error:  # noqa: BLE001 - sorted out at once
        _end_with(error, command or url)


def _end_with(error: BaseException, target: str) -> NoReturn:
    """End the command: the client wraps what is raised inside it into groups."""
    from mcp import MCPError  # noqa: PLC0415 - loaded by the client by now
    from mcp_types import CONNECTION_CLOSED  # noqa: PLC0415 - as above

    cause = _first_cause(error)
    if isinstance(cause, TmwsError | typer.Exit):
        raise cause from None
    if isinstance(cause, MCPError) and not (target and cause.code == CONNECTION_CLOSED):
        end(FAILED, f"The server refused: {cause}")
    if target:
        end(FAILED, f"{target} could not be spoken to as an MCP server: {cause or type(cause)}")
    raise cause


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@asynccontextmanager
async def _client(command: str, url: str) -> AsyncIterator["Client"]:
    from mcp import Client  # noqa: PLC0415 - see above

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(_at(url)) if url else _server(command)
        client = Client(server, read_timeout_seconds=CALL_SECONDS_MAX)
        yield await stack.enter_async_context(client)


@asynccontextmanager
async def _at(url: str) -> AsyncIterator[Any]:
    """Give the transport to a server at a URL, with the caller's token where there is one.

    Raises:
        NotAllowed: The server wants another token; the SDK's own error would not say so.
    """
    import httpx2  # noqa: PLC0415 - see above
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - see above

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


def _server(command: str) -> Any:
    if command:
        from mcp import StdioServerParameters  # noqa: PLC0415 - see above

        program, *arguments = _split(command)
        # The whole environment: the SDK would pass a few names, and TMWS_* not among them.
        return StdioServerParameters(command=program, args=arguments, env=dict(os.environ))
    from tmws_mcp.server.app import build_server  # noqa: PLC0415 - only the local store needs it

    settings = Settings.load()
    configure_logging(settings.log_level)
    return build_server(settings)


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"--command {command!r} cannot be read: {error}.") from error
    if not words:
        raise InvalidInput("--command is empty; give it the command line of an MCP server.")
    return words


def _answer(result: "CallToolResult") -> Answer:
    from mcp_types import TextContent  # noqa: PLC0415 - loaded by the client by now

    texts = [part.text for part in result.content if isinstance(part, TextContent)]
    structured = result.structured_content
    return Answer(
        text="\n".join(texts),
        structured=structured if isinstance(structured, dict) else {},
        is_error=bool(result.is_error),
    )
