"""`tmws-mcp inspect watch`: what happens in a server, as it happens.

Without `--url` it reads the local store, where every process that serves it puts what happens for
as long as somebody watches; with `--url` it is told by a server over its WebSocket.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeAlias, get_args
from urllib.parse import urlencode, urlsplit, urlunsplit

import anyio
import typer
from pydantic import ValidationError

from tmws_mcp.cli.bearer import bearer_headers
from tmws_mcp.cli.exits import FAILED, NOTHING, OK, end
from tmws_mcp.cli.render import show, told
from tmws_mcp.cli.target import JsonOption, UrlOption
from tmws_mcp.errors import InvalidInput
from tmws_mcp.model.events import ALL, Event, EventKind, WatchRequest
from tmws_mcp.model.problems import validated
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

WS_PATH = "/ws"
CONNECT_SECONDS_MAX = 10.0
MESSAGE_BYTES_MAX = 64 * 1024
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
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what happens as it happens, until Ctrl-C; JSON is one object a line."""
    asked = validated(WatchRequest, {"namespaces": namespace or [], "kinds": kind or []})
    source = _told_by(url, asked) if url else _of_the_store(asked)
    heard = 0

    async def follow() -> None:
        nonlocal heard
        async with source as more:
            if not as_json:
                told(f"Waiting for what happens{_where(asked, url)}; Ctrl-C ends it.")
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
async def _of_the_store(asked: WatchRequest) -> AsyncIterator[More]:
    from tmws_mcp.engine import open_engine  # noqa: PLC0415 - heavy, and no other command's

    settings = Settings.load()
    configure_logging(settings.log_level)
    async with open_engine(settings) as engine:
        yield (await engine.watch(asked)).more


@asynccontextmanager
async def _told_by(url: str, asked: WatchRequest) -> AsyncIterator[More]:
    from websockets.asyncio.client import connect  # noqa: PLC0415 - --url alone
    from websockets.exceptions import WebSocketException  # noqa: PLC0415 - see above

    try:
        async with connect(
            socket_url(url, asked),
            additional_headers=bearer_headers(url),
            open_timeout=CONNECT_SECONDS_MAX,
            max_size=MESSAGE_BYTES_MAX,
        ) as connection:

            async def more() -> list[Event]:
                return [Event.model_validate_json(await connection.recv())]

            yield more
    except (WebSocketException, OSError, ValidationError) as error:
        end(FAILED, f"{url} could not be watched any more: {error}")


def socket_url(url: str, asked: WatchRequest) -> str:
    """Return where a server tells what happens, by the URL of its MCP endpoint.

    >>> socket_url("https://tmws.example/team/mcp", WatchRequest(namespaces=("a/b",)))
    'wss://tmws.example/team/ws?namespaces=a%2Fb'
    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme)
    if scheme is None:
        raise InvalidInput(f"--url {url!r} is no http or https URL.")
    path = parts.path.rstrip("/").removesuffix("/mcp").removesuffix("/sse") + WS_PATH
    query = urlencode(asked.model_dump(exclude_defaults=True), doseq=True)
    return urlunsplit((scheme, parts.netloc, path, query, ""))


def _where(asked: WatchRequest, url: str) -> str:
    """Say what is watched; which namespaces are at hand elsewhere, only the server knows."""
    names = asked.namespaces
    if not names and not url:
        scope = Settings.load().scope()
        names = (scope.namespace, *scope.also)
    kinds = f" for {', '.join(asked.kinds)}" if asked.kinds else ""
    places = " in all namespaces" if ALL in names else f" in {', '.join(names)}" if names else ""
    return kinds + places + (f" at {url}" if url else "")


def _print(event: Event, *, as_json: bool) -> None:
    if as_json:
        print(event.model_dump_json(), flush=True)  # noqa: T201 - what a command line does
        return
    said = "  ".join(f"{name} {_said(value)}" for name, value in event.data.items() if value != [])
    where = event.namespace or "(server)"
    show(f"{event.at[11:23]}  {event.kind:<11}  {where}  {said}")


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
