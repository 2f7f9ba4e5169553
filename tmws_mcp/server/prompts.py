"""Prompts: one for each persona, which leads through the calls that it makes.

The personas are files (see personas/), which are read with the first request for prompts: reading
YAML is nothing that `initialize` should wait for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import anyio
import anyio.to_thread
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from tmws_mcp.personas.collection import Personas, load_personas
from tmws_mcp.personas.definition import Persona, prompt_text
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import get_logger

ARGUMENT_CHARS_MAX = 2_000
REQUESTS = frozenset({"prompts/list", "prompts/get"})

log = get_logger("server")


@dataclass(frozen=True, slots=True)
class Argument:
    """What the user fills in."""

    name: str
    description: str
    required: bool = False
    completes: str = ""
    """What `Engine.complete` calls its values, if it knows them."""


ARGUMENTS = (
    Argument("target", "What to work on: a file, a function, a service, a process", required=True),
    Argument("tag", "Recall only memories with this tag", completes="tag"),
    Argument("persona", "Recall only memories of this persona", completes="persona"),
)


class PersonaPrompts:
    """Registers the prompts with the first request for them, and checks their arguments."""

    def __init__(self, server: MCPServer[Any], settings: Settings) -> None:
        self._server = server
        self._folders = settings.persona_dirs
        self._lock = anyio.Lock()
        self._personas: Personas | None = None
        server.middleware.append(self.strict)

    async def strict(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Middleware: refuse an unknown prompt and wrong arguments by name, with -32602.

        The SDK would answer both with an internal error and no reason.
        """
        if ctx.method in REQUESTS:
            personas = await self._loaded()
            if ctx.method == "prompts/get":
                _check(ctx.params or {}, tuple(personas.by_name), await self._others(personas))
        return await call_next(ctx)

    async def _others(self, personas: Personas) -> frozenset[str]:
        """Return the names of prompts that are no persona's, and check their own arguments."""
        listed = {prompt.name for prompt in await self._server.list_prompts()}
        return frozenset(listed - personas.by_name.keys())

    async def _loaded(self) -> Personas:
        async with self._lock:
            if self._personas is None:
                self._personas = await anyio.to_thread.run_sync(load_personas, self._folders)
                for problem in self._personas.problems:
                    log.warning("personas.not_read", file=problem.path, problem=problem.problem)
                for persona in self._personas.by_name.values():
                    self._server.add_prompt(_prompt(persona))
        return self._personas


def _prompt(persona: Persona) -> Prompt:
    async def rendered(**given: str) -> str:
        tag, author = given.get("tag", ""), given.get("persona", "")
        return prompt_text(persona, given["target"], tag=tag, author=author)

    return Prompt(
        name=persona.name,
        title=persona.title,
        description=persona.summary,
        arguments=[
            PromptArgument(name=each.name, description=each.description, required=each.required)
            for each in ARGUMENTS
        ],
        fn=rendered,
    )


def _check(params: Mapping[str, Any], names: tuple[str, ...], others: frozenset[str]) -> None:
    name, given = params.get("name"), params.get("arguments") or {}
    if not isinstance(name, str) or not isinstance(given, Mapping):
        return  # the SDK says what is wrong with the request's shape
    if name in others:
        return
    if name not in names:
        raise _invalid(_unknown("prompt", name, names))
    allowed = tuple(argument.name for argument in ARGUMENTS)
    for strange in given:
        if strange not in allowed:
            raise _invalid(_unknown("argument", strange, allowed))
    for argument in ARGUMENTS:
        _check_value(argument, given.get(argument.name, ""))


def _check_value(argument: Argument, value: object) -> None:
    if argument.required and not value:
        raise _invalid(f"The argument {argument.name} is missing: {argument.description}.")
    if isinstance(value, str) and len(value) > ARGUMENT_CHARS_MAX:
        raise _invalid(
            f"{argument.name} has {len(value):,} characters, the limit is {ARGUMENT_CHARS_MAX:,}."
        )


def _unknown(what: str, name: str, allowed: tuple[str, ...]) -> str:
    close = get_close_matches(name[:80], allowed, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"Unknown {what} {name[:80]!r}.{hint} Allowed: {', '.join(allowed)}."


def _invalid(message: str) -> MCPError:
    return MCPError(code=INVALID_PARAMS, message=message)
