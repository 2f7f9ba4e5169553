"""Who is at work: the persona whose preferences count in a call of pattern_execute.

The caller names it in `context`, else the settings do. Its preferred patterns decide between those
of the same priority; its filters say which memories are looked at first, and those of all are
looked at where these hold nothing, since several personas work on one store.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio.to_thread

from tmws_mcp.engine.once import Once
from tmws_mcp.model import ExecuteRequest, RecallReply, RecallRequest
from tmws_mcp.personas.collection import Personas, load_personas
from tmws_mcp.personas.definition import Filters, Persona
from tmws_mcp.settings import Settings

if TYPE_CHECKING:
    from tmws_mcp.patterns.parts import Parts

IN_CONTEXT = "persona"
"""The fact of a call's `context` that names who works."""

Recall = Callable[[RecallRequest], Awaitable[RecallReply]]


class Acting:
    """The personas, read with the first query."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._personas = Once(self._read)

    async def persona(self, request: ExecuteRequest) -> Persona | None:
        """Return who works on a request; None where no persona is named, or none so called."""
        name = str(request.context.get(IN_CONTEXT) or self._settings.persona)
        return (await self._personas()).named(name) if name else None

    async def names(self) -> tuple[str, ...]:
        """Return the names of the personas, in order."""
        return tuple(sorted((await self._personas()).by_name))

    async def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the persona files."""
        return tuple(str(problem) for problem in (await self._personas()).problems)

    async def _read(self) -> Personas:
        return await anyio.to_thread.run_sync(load_personas, self._settings.persona_dirs)


def acting_as(persona: Persona | None, parts: "Parts") -> "Parts":
    """Return the parts with a recall that looks at the persona's memories first."""
    if persona is None or persona.filters == Filters():
        return parts
    return replace(parts, recall=_first(persona.filters, parts.recall))


def _first(filters: Filters, recall: Recall) -> Recall:
    wanted = {name: value for name, value in filters if value}

    async def recalled(request: RecallRequest) -> RecallReply:
        if any(getattr(request, name) for name in (*Filters.model_fields, "tags_any", "ids")):
            return await recall(request)  # the pattern says itself what it wants
        reply = await recall(request.model_copy(update=wanted))
        return reply if reply.memories else await recall(request)

    return recalled
