"""`tmws-mcp inspect watch`: what happens in a server, as it happens.

It reads the local store, where every process that serves it puts what happens for as long as
somebody watches.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, TypeAlias, get_args

import anyio
import typer

from tmws_mcp.cli.exits import NOTHING, OK, end
from tmws_mcp.cli.render import show
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import open_engine
from tmws_mcp.errors import InvalidInput
from tmws_mcp.model.base import namespace_name
from tmws_mcp.model.events import Event, EventKind
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

ALL = "*"
KINDS: tuple[EventKind, ...] = get_args(EventKind)

More: TypeAlias = Callable[[], Awaitable[list[Event]]]
"""Waits until something has happened, and returns it."""

NamespacesOption = Annotated[
    list[str] | None,
    typer.Option("--namespace", help="Repeat it for more; '*': all. Default: those at hand."),
]
KindsOption = Annotated[
    list[str] | None, typer.Option("--kind", help=f"Repeat it: {', '.join(KINDS[:-1])}.")
]


def watch(
    *,
    namespace: NamespacesOption = None,
    kind: KindsOption = None,
    limit: Annotated[int, typer.Option(min=0, help="End after so many events; 0: never.")] = 0,
    seconds: Annotated[float, typer.Option(min=0, help="End after so long; 0: never.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show what happens as it happens, until Ctrl-C; JSON is one object a line."""
    names, kinds = [_name(one) for one in namespace or ()], [_kind(one) for one in kind or ()]
    source = _of_the_store(names, kinds)
    heard = 0

    async def follow() -> None:
        nonlocal heard
        async with source as more:
            with anyio.move_on_after(seconds or float("inf")):
                while not limit or heard < limit:
                    events = await more()
                    for event in events[: limit - heard if limit else None]:
                        _print(event, as_json=as_json)
                        heard += 1

    try:
        anyio.run(follow)
    except KeyboardInterrupt:
        end(OK)
    end(OK if heard else NOTHING)


@asynccontextmanager
async def _of_the_store(names: Sequence[str], kinds: Sequence[EventKind]) -> AsyncIterator[More]:
    settings = Settings.load()
    configure_logging(settings.log_level)
    scope = settings.scope()
    wanted = None if ALL in names else names or (scope.namespace, *scope.also)
    async with open_engine(settings) as engine:
        watcher = await engine.feed.watch(wanted, kinds)
        yield watcher.more


def _name(name: str) -> str:
    return name if name == ALL else namespace_name(name)


def _kind(name: str) -> EventKind:
    for kind in KINDS:
        if name == kind:
            return kind
    raise InvalidInput(f"No events are of the kind {name!r}; there are {', '.join(KINDS)}.")


def _print(event: Event, *, as_json: bool) -> None:
    if as_json:
        print(event.model_dump_json(), flush=True)  # noqa: T201 - what a command line does
        return
    said = "  ".join(f"{name} {_said(value)}" for name, value in event.data.items() if value != [])
    where = event.namespace or "(server)"
    show(f"{event.at[11:23]}  {event.kind:<11}  {where}  {said}")


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
