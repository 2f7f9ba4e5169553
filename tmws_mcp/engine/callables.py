"""What the steps of a pattern can call, and what that says of its answer."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Self

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions import fetch
from tmws_mcp.actions.installed import installed_actions
from tmws_mcp.actions.programs import Programs
from tmws_mcp.actions.registry import ACTIONS, Action, Workspace
from tmws_mcp.engine.answers import Needs
from tmws_mcp.engine.once import Once
from tmws_mcp.errors import InvalidInput
from tmws_mcp.model import (
    JsonObject,
    RecallReply,
    RecallRequest,
    RecommendReply,
    RecommendRequest,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.settings import Settings, command_environment

if TYPE_CHECKING:
    from tmws_mcp.patterns.definition import Pattern
    from tmws_mcp.patterns.parts import Parts

SHARED_ACTIONS = frozenset({fetch.NAME})
"""What they answer comes from elsewhere and not from this machine's files."""


class Callables:
    """The actions by name: shipped, of installed packages, of the engine's own state, added."""

    def __init__(
        self,
        settings: Settings,
        *,
        own: Mapping[str, Callable[[], Awaitable[JsonValue]]],
        listing: tuple[Action, ...],
        only_reads: Callable[[str], bool],
    ) -> None:
        """Take actions that tell of the server's own state (`own`) and of its files (`listing`).

        `only_reads` says whether a tool of another server changes nothing.
        """
        self._settings, self._only_reads = settings, only_reads
        self._own = _named(own)
        fetched = fetch.http_get(settings.fetch_hosts)
        self._actions = dict(ACTIONS) | {action.name: action for action in (fetched, *listing)}
        self.installed = Once(self._add_installed)
        """Awaited before the first query: actions of installed packages are looked for then."""

    @property
    def actions(self) -> Mapping[str, Action]:
        """All of them, by name."""
        return {**self._actions, **self._own}

    def seen(self, own: Mapping[str, Callable[[], Awaitable[JsonValue]]]) -> Self:
        """Return the same actions, with others about the server's own state."""
        twin = copy(self)
        twin._own = _named(own)  # noqa: SLF001 - it is of this very class
        return twin

    async def _add_installed(self) -> None:
        found = await anyio.to_thread.run_sync(installed_actions, frozenset(self.actions))
        for name, action in found.items():
            self._actions.setdefault(name, action)

    def add(self, action: Action) -> None:
        """Add an action for as long as this engine lives.

        Raises:
            InvalidInput: There is one of that name.
        """
        if action.name in self.actions:
            raise InvalidInput(f"There is an action {action.name!r} already; choose another name.")
        self._actions[action.name] = action

    def can_run(self, pattern: "Pattern") -> bool:
        """Say whether each action that a pattern names is there."""
        return all(name in self._actions or name in self._own for name in pattern.actions)

    def cacheable(self, pattern: "Pattern") -> bool:
        """Say whether an answer may be kept: a pattern that says so and changes nothing."""
        actions = (self._own.get(name) or self._actions.get(name) for name in pattern.actions)
        only_reads = all(action is not None and action.read_only for action in actions)
        changes = (
            pattern.stores or pattern.commands or not all(map(self._only_reads, pattern.calls))
        )
        return pattern.cache_seconds > 0 and not changes and only_reads

    def needs(self, pattern: "Pattern") -> Needs:
        """Say what an answer of this pattern depends on."""
        learned = any(hasattr(step, "recommend") for step in pattern.steps)
        own = self._own.keys() & set(pattern.actions)
        acts = bool(pattern.calls) or bool(set(pattern.actions) - self._own.keys())
        return Needs(learned, everything=bool(own), acts=acts)

    def place(self, pattern: "Pattern") -> str | None:
        """Return where an answer is the same for all: never one that shows what is remembered.

        What a server's tool or a site says depends on where it is asked from: this host, unless
        the settings say otherwise.
        """
        if len(pattern.calls) + len(SHARED_ACTIONS.intersection(pattern.actions)) < len(
            pattern.steps
        ):
            return None
        return self._settings.cache_place or socket.gethostname()


def parts_of(
    settings: Settings,
    actions: Mapping[str, Action],
    *,
    recall: Callable[[RecallRequest], Awaitable[RecallReply]],
    remember: Callable[[StoreRequest], Awaitable[StoreReply]],
    recommend: Callable[[RecommendRequest], Awaitable[RecommendReply]],
    call: Callable[[str, JsonObject], Awaitable[JsonValue]],
    clock: Callable[[], float],
) -> "Parts":
    """Return what steps are made of: a caller's own ways into the engine, and what it may run."""
    from tmws_mcp.patterns.parts import Parts  # noqa: PLC0415 - with the first query

    folder = settings.workspace or settings.project
    return Parts(
        recall=recall,
        remember=remember,
        recommend=recommend,
        actions=actions,
        call=call,
        workspace=Workspace(folder),
        programs=Programs(
            settings.commands,
            settings.command_folders or ((folder,) if folder else ()),
            command_environment(),
            settings.command_seconds_max,
        ),
        clock=clock,
    )


def _named(own: Mapping[str, Callable[[], Awaitable[JsonValue]]]) -> dict[str, Action]:
    return {name: _bound(name, action) for name, action in own.items()}


def _bound(name: str, action: Callable[[], Awaitable[JsonValue]]) -> Action:
    async def run(_arguments: JsonObject, _where: Workspace) -> JsonValue:
        return await action()

    return Action(name, "About the server's own state", run)
