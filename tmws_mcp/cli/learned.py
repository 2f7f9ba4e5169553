"""`tmws-mcp learned`: forget what was learned, bring it back, carry it to another store."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import anyio
import typer

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, Commands, end
from tmws_mcp.cli.render import print_json, show
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.model.learned import ForgetLearnedReply, ForgetLearnedRequest
from tmws_mcp.model.problems import validated
from tmws_mcp.settings import Settings

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine

T = TypeVar("T")

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Forget, bring back, export and import what was learned.",
)

NamespaceOption = Annotated[str, typer.Option(help="Default: as for the tools.")]


def with_engine(work: Callable[["Engine"], Awaitable[T]]) -> T:
    """Open the local engine, do the work, and return its result."""
    from tmws_mcp.engine import open_engine  # noqa: PLC0415 - heavy, and not for `--help`

    async def opened() -> T:
        async with open_engine(Settings.load()) as engine:
            return await work(engine)

    return anyio.run(opened)


def confirmed(question: str) -> bool:
    """Ask the person at the terminal; without one the answer is no."""
    if not sys.stdin.isatty():
        show("Nobody is there to ask: call it with --yes.", "yellow")
        return False
    return typer.confirm(question)


def rows_in_words(rows: dict[str, int]) -> str:
    """Return how many of what."""
    return ", ".join(f"{n:,} {what}" for what, n in rows.items()) or "nothing"


@app.command()
def forget(
    pattern: Annotated[str, typer.Argument(metavar="[ID]", help="A learned pattern.")] = "",
    *,
    task: Annotated[str, typer.Option(help="All about this task (its text).")] = "",
    tool: Annotated[str, typer.Option(help="All about this tool or method.")] = "",
    actor: Annotated[str, typer.Option(help="All that this instance counted.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All of the namespace.")] = False,
    erase: Annotated[bool, typer.Option("--erase", help="At once, without an undo.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    namespace: NamespaceOption = "",
    as_json: JsonOption = False,
) -> None:
    """Forget one learned pattern, or all about a task, a tool, an instance, the namespace."""
    request = validated(
        ForgetLearnedRequest,
        {
            "pattern": pattern, "task": task, "tool": tool, "actor": actor,
            "everything": everything, "erase": erase, "namespace": namespace, "dry_run": True,
        },
    )  # fmt: skip
    found = with_engine(lambda engine: engine.manage.forget(request))
    if dry_run or not found.rows:
        _show(found, as_json=as_json)
        end(OK if found.rows else NOTHING)
    if not yes:
        _show(found, as_json=False)
        if not confirmed("Forget it?"):
            end(FAILED, "Nothing was forgotten.")
    really = request.model_copy(update={"dry_run": False})
    _show(with_engine(lambda engine: engine.manage.forget(really)), as_json=as_json)


def _show(reply: ForgetLearnedReply, *, as_json: bool) -> None:
    if as_json:
        print_json(reply)
        return
    done = "Would forget" if reply.dry_run else "Forgot"
    show(f"{done} {reply.subject}: {rows_in_words(reply.rows)}.")
    if reply.note:
        show(f"Note: {reply.note}.", "yellow")
    if reply.undo:
        show(f"`tmws-mcp learned undo {reply.undo}` brings it back until {reply.undo_until}.")
    elif reply.rows and not reply.dry_run:
        show("It is erased.")


@app.command()
def undo(
    name: Annotated[str, typer.Argument(metavar="ID", help="As `forget` told it.")],
    *,
    namespace: NamespaceOption = "",
) -> None:
    """Bring back what was forgotten; what was counted since then is kept too."""
    reply = with_engine(lambda engine: engine.manage.undo(name, namespace))
    show(f"Brought back {reply.subject}: {rows_in_words(reply.rows)}.")


@app.command()
def erase(
    name: Annotated[str, typer.Argument(metavar="ID", help="As `forget` told it.")],
    *,
    namespace: NamespaceOption = "",
) -> None:
    """Erase what was forgotten, before its time to undo is over."""
    subject = with_engine(lambda engine: engine.manage.erase(name, namespace))
    show(f"Erased {subject}.")
