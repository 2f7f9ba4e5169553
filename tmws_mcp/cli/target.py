"""The server that a command talks to, and what it answers.

With `--command` or `--url` that is a process started for the command's length, or a server that
runs already: a real MCP client speaks to it (client.py), and what is printed is what a model would
see. Without them it is the local store, asked by the same tables and checks without the protocol
(server/direct.py): loading the protocol's SDK would take most of the command's time.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import anyio
import typer

from tmws_mcp.cli.exits import FAILED, end
from tmws_mcp.errors import InvalidInput, NotFound, TmwsError
from tmws_mcp.model import JsonObject
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging
from tmws_mcp.tokens import estimate_tokens

if TYPE_CHECKING:
    from tmws_mcp.server.direct import Direct

T = TypeVar("T")

NAME = "tmws-mcp inspect"
"""As whom the local store knows a command: what is stored by one says so."""

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


class Server(ABC):
    """A server that can be asked."""

    @abstractmethod
    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Call a tool."""

    @abstractmethod
    async def read(self, uri: str) -> Any:
        """Return what the JSON resource at `uri` holds; None where there is none."""

    @abstractmethod
    async def tools(self) -> list[JsonObject]:
        """Return its tools as tools/list has them."""

    async def ask(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Call a tool with those arguments that have a value.

        An answer that is an error ends the command with its text.
        """
        given = {name: value for name, value in arguments.items() if value not in (None, "", [])}
        answer = await self.call(tool, given)
        if answer.is_error:
            end(FAILED, answer.text)
        return answer

    async def read_own(self, uri: str) -> Any:
        """Return what a resource holds that each server of ours has; another's ends the command."""
        found = await self.read(uri)
        if found is None:
            end(FAILED, f"The server has no resource {uri}: it is not a tmws-mcp server.")
        return found


class LocalServer(Server):
    """The local store, asked as the server of this package would be."""

    def __init__(self, direct: "Direct") -> None:
        self._direct = direct

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Call a tool."""
        reply = await self._direct.call(tool, arguments)
        return Answer(reply.text, reply.structured, reply.is_error)

    async def read(self, uri: str) -> Any:
        """Return what the JSON resource at `uri` holds; None where there is none."""
        try:
            return await self._direct.read(uri)
        except NotFound:
            return None
        except TmwsError as error:
            end(FAILED, f"The server refused: {error}")

    async def tools(self) -> list[JsonObject]:
        """Return its tools as tools/list has them."""
        return self._direct.tools()


def run(command: str, url: str, work: Callable[[Server], Awaitable[T]]) -> T:
    """Connect, do the work, and return its result; what goes wrong ends the command.

    Raises:
        InvalidInput: Both a command and a URL are given.
    """
    if command and url:
        raise InvalidInput("Give --command or --url, not both.")
    if not command and not url:
        return anyio.run(_on_the_store, work)
    from tmws_mcp.cli.client import run_as_client  # noqa: PLC0415 - loads the SDK

    return run_as_client(command, url, work)


async def _on_the_store(work: Callable[[Server], Awaitable[T]]) -> T:
    from tmws_mcp.engine import open_engine  # noqa: PLC0415 - only the local store needs it
    from tmws_mcp.server.direct import Direct  # noqa: PLC0415 - as above
    from tmws_mcp.server.entries import Caller  # noqa: PLC0415 - as above

    settings = Settings.load()
    configure_logging(settings.log_level)
    async with open_engine(settings) as engine:
        try:
            return await work(LocalServer(Direct(engine, settings, Caller(NAME, NAME))))
        finally:
            await engine.end_connection(NAME)
