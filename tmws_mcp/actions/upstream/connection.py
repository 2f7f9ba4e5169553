"""A connection with another MCP server, for as long as it lasts: its tools, and calls of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp import Client, MCPError
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp_types import CONNECTION_CLOSED, CallToolResult, Tool, ToolListChangedNotification
from pydantic import JsonValue

from tmws_mcp.actions.upstream.pipe import Pipe
from tmws_mcp.actions.upstream.results import error_of, one_line, value_of
from tmws_mcp.errors import ActionError, ToolUnreachable
from tmws_mcp.model import JsonObject

TOOLS_MAX = 1_000
TOOLS_NAMED = 20
PAGES_MAX = 50
RELIST_SECONDS_MIN = 0.2
"""A server that tells of changes without an end is asked no more often."""
SESSION_LOST = "Session terminated"
"""What the SDK says of a session that the server at the URL does not know any more."""


@dataclass
class Connection:
    """A connection that is open; the task that opened it waits in `until_unused`."""

    name: str
    client: Client
    pipe: Pipe | None
    tools: Mapping[str, Tool]
    changes: int = 0
    """How often the server has changed its tools."""
    _calls: int = 0
    _used: float = field(default_factory=anyio.current_time)
    _ended: anyio.Event = field(default_factory=anyio.Event)
    _why: str = ""
    _news: anyio.Event = field(default_factory=anyio.Event)

    async def call(self, tool: str, arguments: JsonObject) -> JsonValue:
        """Call a tool and return what it answers.

        Raises:
            ToolUnreachable: The server has no such tool (any more).
            ActionError: The call failed.
        """
        if tool not in self.tools:
            raise ToolUnreachable(self._no_tool(tool))
        self._calls += 1
        try:
            result = await self.client.call_tool(tool, arguments)
        except MCPError as error:
            raise ActionError(self._refused(tool, error)) from error
        except (RuntimeError, ValueError) as error:  # the answer does not fit the tool's own schema
            said = one_line(str(error))
            raise ActionError(
                f"{self.name}.{tool} answered what MCP does not allow: {said}"
            ) from error
        finally:
            self._calls -= 1
            self._used = anyio.current_time()
        assert isinstance(result, CallToolResult)
        if result.is_error:
            raise ActionError(f"{self.name}.{tool} failed and says: {error_of(result)}")
        return value_of(result)

    @property
    def is_gone(self) -> bool:
        """Whether nothing can be called through it any more."""
        return self._ended.is_set() or (self.pipe is not None and self.pipe.gone.is_set())

    @property
    def reason(self) -> str:
        """Why it is gone."""
        return self._why or (self.pipe.reason() if self.pipe else "")

    def end(self, why: str) -> None:
        """Have its owner close it."""
        self._why = self._why or why
        self._ended.set()

    async def until_unused(self, idle_seconds: float) -> None:
        """Wait until nobody has called anything for so long, or it is gone."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._follow_changes)
            tasks.start_soon(self._subscribe)
            tasks.start_soon(self._watch)
            while not self.is_gone:
                left = self._used + idle_seconds - anyio.current_time()
                if left <= 0 and not self._calls:
                    break
                with anyio.move_on_after(left if left > 0 else idle_seconds):
                    await self._ended.wait()
            tasks.cancel_scope.cancel()

    def changed(self) -> None:
        """Note that the server says that its tools have changed."""
        self._news.set()

    async def _watch(self) -> None:
        if self.pipe is not None:
            await self.pipe.gone.wait()
            self._ended.set()

    async def _follow_changes(self) -> None:
        """Ask for the tools anew when they have changed; of many changes at once, once."""
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            try:
                self.tools = await list_tools(self.client)
            except (MCPError, RuntimeError, ValueError) as error:
                self.end(f"its tools cannot be listed: {one_line(str(error))}")
                return
            self.changes += 1
            await anyio.sleep(RELIST_SECONDS_MIN)

    async def _subscribe(self) -> None:
        """In the era of 2026-07-28 changes are told only to those who ask to be told."""
        try:
            async with self.client.listen(tools_list_changed=True) as subscription:
                async for _ in subscription:
                    self.changed()
        except (ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError):
            return

    def _no_tool(self, tool: str) -> str:
        some = one_line(", ".join(sorted(self.tools)[:TOOLS_NAMED])) or "none"
        since = " any more: the server has changed its tools" if self.changes else ""
        return f"server {self.name} has no tool {tool!r}{since}; it has {some}"

    def _refused(self, tool: str, error: MCPError) -> str:
        if error.code == CONNECTION_CLOSED or SESSION_LOST in str(error):
            self.end("the connection was lost")
            why = self.pipe.reason() if self.pipe else "the connection was lost"
            return (
                f"server {self.name} went away during {tool}: {why}. Whether the call had an "
                "effect is not known; the next call starts it again."
            )
        return f"{self.name}.{tool} was refused: {one_line(str(error))}"


@asynccontextmanager
async def connect(name: str, transport: Any, pipe: Pipe | None) -> AsyncIterator[Connection]:
    """Give a connection over a transport, with the tools listed; leaving the block closes it.

    Raises:
        ActionError: The process cannot be started.
        MCPError: The server refuses.
    """
    made: list[Connection] = []

    async def heard(message: object) -> None:
        if isinstance(message, ToolListChangedNotification) and made:
            made[0].changed()

    async with Client(transport, message_handler=heard, cache=None) as client:
        made.append(Connection(name, client, pipe, await list_tools(client)))
        yield made[0]


async def list_tools(client: Client) -> dict[str, Tool]:
    """Return the server's tools by name, TOOLS_MAX of them at most."""
    if client.server_capabilities.tools is None:
        return {}
    page = await client.list_tools()
    tools = {tool.name: tool for tool in page.tools[:TOOLS_MAX]}
    for _ in range(PAGES_MAX):
        if not page.next_cursor or len(tools) >= TOOLS_MAX:
            break
        page = await client.list_tools(cursor=page.next_cursor)
        tools |= {tool.name: tool for tool in page.tools[: TOOLS_MAX - len(tools)]}
    return tools
