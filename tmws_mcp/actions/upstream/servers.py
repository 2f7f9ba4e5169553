"""All other servers together: which of them has a tool, and how they are.

A tool is named `server.tool`, or as agents know it (`mcp__server__tool`), or by its own name where
only one server has such a tool.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.abc
from pydantic import JsonValue

from tmws_mcp.actions.upstream.config import Configured
from tmws_mcp.actions.upstream.server import Limits, UpstreamServer
from tmws_mcp.errors import InvalidInput, ToolUnreachable
from tmws_mcp.model import JsonObject
from tmws_mcp.model.status import UpstreamState, UpstreamTool

if TYPE_CHECKING:
    from mcp_types import Tool

AGENTS_PREFIX, AGENTS_MARK = "mcp__", "__"
DESCRIPTION_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tool is."""

    server: UpstreamServer
    tool: str


class Upstream:
    """The configured servers of one engine."""

    def __init__(
        self,
        configured: Configured,
        tasks: anyio.abc.TaskGroup,
        *,
        limits: Limits,
        environment: Mapping[str, str],
        folder: Path | None = None,
        trust_hints: bool = False,
    ) -> None:
        self.problems = tuple(str(problem) for problem in configured.problems)
        self._trust_hints = trust_hints
        self._servers = {
            name: UpstreamServer(name, config, limits, tasks, environment, folder)
            for name, config in configured.servers.items()
        }

    async def call(self, name: str, arguments: JsonObject) -> JsonValue:
        """Call a tool by its name; the answer says where it came from.

        Raises:
            ToolUnreachable: No server has it, or the server that has it does not run.
            InvalidInput: Several servers have it.
            ActionError: The call failed.
        """
        place = await self._find(name)
        answer = await place.server.call(place.tool, arguments)
        return {"tool": f"{place.server.name}.{place.tool}", "answered": answer}

    def only_reads(self, name: str) -> bool:
        """Whether the tool says that it changes nothing, and the settings take its word for it.

        False as long as its server has not been started: then nobody has asked it.
        """
        places = self._places(name) or self._having(name)
        if not self._trust_hints or len(places) != 1:
            return False
        connection = places[0].server.connection
        tool = connection.tools.get(places[0].tool) if connection else None
        return bool(tool and tool.annotations and tool.annotations.read_only_hint)

    async def start_all(self) -> None:
        """Start all servers side by side, as far as they can be."""
        await _start(self._servers.values())

    def states(self) -> tuple[UpstreamState, ...]:
        """Return how each server is, and the tools of those that run."""
        return tuple(map(_state, self._servers.values()))

    async def _find(self, name: str) -> Place:
        if places := self._places(name):
            return places[0]
        if not name.startswith(AGENTS_PREFIX):  # else it names a server that is none of ours
            # Agents' own tools are asked for in this way too: a server is asked once what it has.
            await _start(server for server in self._servers.values() if server.tools is None)
        having = self._having(name)
        if not having:
            raise ToolUnreachable(self._nowhere(name))
        if len(having) > 1:
            named = " or ".join(f"{place.server.name}.{place.tool}" for place in having)
            raise InvalidInput(f"Several servers have a tool {name!r}: write {named}.")
        return having[0]

    def _places(self, name: str) -> list[Place]:
        """Return the place that a name gives together with its server; the longest one counts."""
        return [
            Place(server, name.removeprefix(prefix))
            for server in sorted(self._servers.values(), key=lambda server: -len(server.name))
            for prefix in (f"{server.name}.", f"{AGENTS_PREFIX}{server.name}{AGENTS_MARK}")
            if name.startswith(prefix) and name != prefix
        ]

    def _having(self, name: str) -> list[Place]:
        return [
            Place(server, name) for server in self._servers.values() if name in (server.tools or ())
        ]

    def _nowhere(self, name: str) -> str:
        down = [s for s in self._servers.values() if s.connection is None]
        said = "".join(f"; server {server.name}: {server.state}" for server in down)
        return f"no tool {name!r} can be reached from here{said}"


async def _start(servers: Iterable[UpstreamServer]) -> None:
    """Start servers side by side, as far as they can be."""

    async def start(server: UpstreamServer) -> None:
        with suppress(ToolUnreachable):  # its state says why
            await server.ready()

    async with anyio.create_task_group() as tasks:
        for server in servers:
            tasks.start_soon(start, server)


def _state(server: UpstreamServer) -> UpstreamState:
    connection = server.connection
    tools = connection.tools.values() if connection else ()
    return UpstreamState(
        name=server.name,
        state=server.state,
        by="url" if server.config.url else "command",
        starts=server.starts,
        tool_changes=connection.changes if connection else 0,
        tools=tuple(map(_tool, sorted(tools, key=lambda tool: tool.name))),
    )


def _tool(tool: "Tool") -> UpstreamTool:
    hints = tool.annotations
    return UpstreamTool(
        name=tool.name,
        description=" ".join((tool.description or "").split())[:DESCRIPTION_CHARS_MAX],
        arguments=tuple(sorted(tool.input_schema.get("properties", {})))[:50],
        says_read_only=bool(hints and hints.read_only_hint),
    )
