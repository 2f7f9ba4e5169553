"""`tmws-mcp memories`: tidy what is stored; nothing here deletes anything.

The tools are for the model; this is for the person who keeps the store. It works on the local store
and shows first what it would do.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar

import anyio
import typer

from tmws_mcp.cli.exits import NOTHING, OK, Commands, end
from tmws_mcp.cli.render import console, print_json, show, table
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.errors import InvalidInput
from tmws_mcp.model import Memory, StoreRequest
from tmws_mcp.model.problems import validated
from tmws_mcp.model.upkeep import BroughtBack, Consolidated
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

T = TypeVar("T")

SHOWN_MAX = 50
LISTED_MAX = 1_000
TRUSTS = ("user", "agent", "tool", "import")

NamespaceOption = Annotated[str, typer.Option(help="Work here instead of the default.")]
LimitOption = Annotated[int, typer.Option(min=1, max=LISTED_MAX, help="How many at most.")]

app = typer.Typer(
    cls=Commands, no_args_is_help=True, help="Tidy what is stored: archive, extend, list."
)


@app.command()
def consolidate(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Archive; without it only shown.")] = False,
    undo: Annotated[str, typer.Option(help="Bring back what this batch has archived.")] = "",
    namespace: NamespaceOption = "",
    as_json: JsonOption = False,
) -> None:
    """Archive duplicates, versions replaced long ago and faded turns; nothing is deleted.

    An archived memory is found by no query, its id still reads it, and the batch's id brings it
    back.
    """
    if apply and undo:
        raise InvalidInput("Give --apply or --undo, not both.")
    name = _named(namespace)
    if undo:
        _show_back(_run(lambda engine: engine.keeping.bring_back(undo, name)), as_json=as_json)
        return
    work = _apply if apply else _propose
    done = _run(lambda engine: work(engine, name))
    if as_json:
        print_json(done)
    else:
        _show_consolidated(done)
    end(OK if done.archived else NOTHING)


async def _apply(engine: Engine, namespace: str) -> Consolidated:
    return await engine.keeping.consolidate(namespace)


async def _propose(engine: Engine, namespace: str) -> Consolidated:
    return await engine.keeping.proposals(namespace)


def _show_consolidated(done: Consolidated) -> None:
    rows = [(one.id, one.reason, one.kept, one.content) for one in done.proposals[:SHOWN_MAX]]
    if rows:
        console().print(table(("id", "why", "kept", "memory"), rows))
    if len(done.proposals) > SHOWN_MAX:
        show(f"and {len(done.proposals) - SHOWN_MAX:,} more (--json lists them)")
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in done.by_reason.items())
    if not done.archived:
        show(f"Nothing to archive in {done.scope.namespace}.")
    elif done.applied:
        show(
            f"Archived {done.archived:,} ({reasons}). "
            f"`tmws-mcp memories consolidate --undo {done.batch}` brings them back."
        )
    else:
        show(f"Would archive {done.archived:,} ({reasons}). Nothing was changed; --apply does it.")


def _show_back(back: BroughtBack, *, as_json: bool) -> None:
    if as_json:
        print_json(back)
        return
    show(f"{back.restored:,} memories of {back.batch} are found again.")
    if back.left:
        show(f"{back.left:,} stay archived: their text was stored again meanwhile.")


@app.command()
def archives(*, namespace: NamespaceOption = "", as_json: JsonOption = False) -> None:
    """List what was archived, by batch, the newest first."""
    name = _named(namespace)
    found = _run(lambda engine: engine.keeping.archives(name))
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (one.id, one.made_at, ", ".join(f"{n:,} {why}" for why, n in one.reasons.items()))
            for one in found
        ]
        console().print(table(("batch", "made", "archived"), rows))
    else:
        show("Nothing is archived here.")
    end(OK if found else NOTHING)


@app.command()
def expired(
    *, limit: LimitOption = 50, namespace: NamespaceOption = "", as_json: JsonOption = False
) -> None:
    """List what has expired and is not erased yet; extend brings it back."""
    name = _named(namespace)
    found = _run(lambda engine: engine.keeping.expired(name, limit))
    _show_memories(found, "expires_at", as_json=as_json, empty="Nothing has expired here.")


@app.command()
def extend(
    ids: Annotated[list[str], typer.Argument(help="The memories.")],
    *,
    until: Annotated[str, typer.Option(help="A date or time, ISO 8601.")] = "",
    forever: Annotated[bool, typer.Option("--forever", help="They do not expire at all.")] = False,
    namespace: NamespaceOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let memories live longer; those that have expired are found again."""
    if bool(until) == forever:
        raise InvalidInput("Give --until or --forever.")
    name, when = _named(namespace), _moment(until)
    found = _run(lambda engine: engine.keeping.extend(tuple(ids), when, name))
    _show_memories(found, "expires_at", as_json=as_json, empty="")


@app.command("list")
def listed(
    *,
    trust: Annotated[str, typer.Option(help=f"Whose word: {', '.join(TRUSTS)}.")],
    limit: LimitOption = 50,
    namespace: NamespaceOption = "",
    as_json: JsonOption = False,
) -> None:
    """List memories by whose word they are: what came from tools and the web, from an import."""
    if trust not in TRUSTS:
        raise InvalidInput(f"--trust {trust!r} is none of: {', '.join(TRUSTS)}.")
    name = _named(namespace)
    found = _run(lambda engine: engine.keeping.of_trust(trust, name, limit))
    _show_memories(found, "via", as_json=as_json, empty="There are none here.")


def _show_memories(found: tuple[Memory, ...], column: str, *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json(found)
    elif found:
        rows = [(one.id, getattr(one, column), one.content) for one in found]
        console().print(table(("id", column.replace("_at", ""), "content"), rows))
    else:
        show(empty)
    end(OK if found else NOTHING)


def _named(namespace: str) -> str:
    """Return the namespace's name; a malformed one is refused before anything is done."""
    return validated(StoreRequest, {"content": "x", "namespace": namespace}).namespace


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    return validated(StoreRequest, {"content": "x", "expires_at": text}).expires_at


def _run(work: Callable[[Engine], Awaitable[T]]) -> T:
    settings = Settings.load()
    configure_logging(settings.log_level)

    async def opened() -> T:
        async with open_engine(settings) as engine:
            return await work(engine)

    return anyio.run(opened)
