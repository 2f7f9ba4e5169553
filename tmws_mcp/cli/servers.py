"""What `tmws-mcp inspect upstream` prints of the other servers."""

from collections.abc import Sequence

from tmws_mcp.cli.render import console, one_line, show, table
from tmws_mcp.model.status import UpstreamState, UpstreamTool

NONE = "No other server is configured: name a file with TMWS_UPSTREAM."


def show_upstream(servers: Sequence[UpstreamState]) -> None:
    """Print each server with its state, then the tools of those that run."""
    if not servers:
        show(NONE)
        return
    rows = [(s.name, s.by, s.state, len(s.tools), s.starts) for s in servers]
    columns = ("server", "by", "state", "tools", "starts")
    console().print(table(columns, rows, numbers=("tools", "starts")))
    tools = [_tool(server, tool) for server in servers for tool in server.tools]
    if tools:
        console().print(table(("tool", "arguments", "says", "description"), tools))


def _tool(server: UpstreamState, tool: UpstreamTool) -> tuple[object, ...]:
    says = "read-only" if tool.says_read_only else ""
    arguments = tuple(map(one_line, tool.arguments))
    return f"{server.name}.{one_line(tool.name)}", arguments, says, tool.description
