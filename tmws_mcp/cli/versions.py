"""`tmws-mcp patterns versions`, `restore` and `ab`: what a pattern was, and what it should be."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import anyio
import typer

from tmws_mcp.cli.exits import OK, end
from tmws_mcp.cli.render import console, print_json, show, table
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import open_engine
from tmws_mcp.engine.versions import Versions
from tmws_mcp.errors import InvalidInput
from tmws_mcp.settings import Settings
from tmws_mcp.store.pattern_versions import Version

T = TypeVar("T")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the pattern.")]


def versions(pattern: IdArgument, *, as_json: JsonOption = False) -> None:
    """List the versions of a pattern that are kept, the one that serves now first."""
    found = _with_versions(lambda it: it.history(pattern))
    if as_json:
        print_json(found)
        return
    rows = [(one.version, _when(one), f"{len(one.definition):,}") for one in found]
    columns = ("version", "served since", "characters")
    console().print(table(columns, rows, numbers=("characters",)))


def restore(
    pattern: IdArgument,
    version: Annotated[str, typer.Argument(help="The version, or how its name begins.")],
) -> None:
    """Write an earlier version back into the pattern's file; servers that run see it at once."""
    path = _with_versions(lambda it: it.restore(pattern, version))
    show(f"{path} holds {pattern} as it was. The version of before stays in the history.")


def ab(
    pattern: IdArgument,
    one: Annotated[str, typer.Argument(help="A version; with none, the trial is told.")] = "",
    other: Annotated[str, typer.Argument(help="The version to compare it with.")] = "",
    *,
    share: Annotated[float, typer.Option(help="Share of the queries for the other.")] = 0.5,
    stop: Annotated[bool, typer.Option("--stop", help="End the trial.")] = False,
    adopt: Annotated[str, typer.Option(help="End it, and let this version serve.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Let two versions of a pattern share its queries, see which is better, and decide."""
    if bool(one) != bool(other) or (one and (stop or adopt)):
        raise InvalidInput("Give two versions to begin a trial; --stop or --adopt to end it.")
    if one:
        row = _with_versions(lambda it: it.start_trial(pattern, one, other, share=share))
        show(f"{row.one} and {row.other} share the queries of {pattern} from now on.")
        end(OK)
    if stop or adopt:
        path = _with_versions(lambda it: it.stop_trial(pattern, adopt=adopt))
        show(f"The trial is over; {f'{path} holds {adopt}' if path else 'the file serves'}.")
        end(OK)
    compared = _with_versions(lambda it: it.compare(pattern))
    if as_json:
        print_json(compared)
    else:
        show(compared.verdict)


def _with_versions(work: Callable[[Versions], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_engine(Settings.load()) as engine:
            return await work(engine.versions)

    return anyio.run(run)


def _when(one: Version) -> str:
    return datetime.fromtimestamp(one.at, tz=UTC).isoformat(timespec="seconds")
