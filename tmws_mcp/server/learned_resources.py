"""Resources about what was learned that take more than an id: filters, a comparison, two days.

Their arguments stand in the URI's query (RFC 6570), so that the inspector asks through the same
door as any other client.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine

Answer = Callable[[Callable[["Engine"], Awaitable[Any]]], Awaitable[str]]
"""Reads from the engine and returns JSON; our errors become those of the protocol."""

Register = Callable[..., Callable[[Callable[..., Awaitable[str]]], object]]
"""Takes URI, name and description, and then the function: the SDK's, or that of direct.py."""


def add_learned_resources(register: Register, answer: Answer) -> None:
    """Register them."""

    @register(
        "tmws://learned-patterns{?kind,tool,since,min_support,limit}",
        name="learned_patterns",
        description="Learned patterns of a kind, about a tool, seen since a day, often enough",
    )
    async def listed(
        kind: str = "", tool: str = "", since: str = "", min_support: str = "", limit: str = ""
    ) -> str:
        wanted = {
            "kind": kind, "tool": tool, "since": since,
            "min_support": min_support, "limit": limit,
        }  # fmt: skip
        given = {name: value for name, value in wanted.items() if value}
        return await answer(lambda engine: engine.learned(given))

    @register(
        "tmws://learned-comparison{?one,other,task}",
        name="learned_comparison",
        description="Two learned patterns, methods or tools: which is better, which is faster",
    )
    async def compared(one: str = "", other: str = "", task: str = "") -> str:
        return await answer(lambda engine: engine.manage.compare(one, other, task=task))

    @register(
        "tmws://learned-changes{?since,until}",
        name="learned_changes",
        description="What was learned between the ends of two days; by default since yesterday",
    )
    async def moved(since: str = "", until: str = "") -> str:
        return await answer(lambda engine: engine.manage.moved(since=since, until=until))

    _add_federation(register, answer)


def _add_federation(register: Register, answer: Answer) -> None:
    @register(
        "tmws://federation",
        name="federation",
        description="What is shared with other instances, with whom, and how far all are in step",
    )
    async def shared() -> str:
        return await answer(lambda engine: engine.federation.report())
