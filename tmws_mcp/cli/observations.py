"""`tmws-mcp observations`: whether what agents do is recorded, and what is kept of it."""

from typing import Annotated

import typer

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, Commands, end
from tmws_mcp.cli.learned import NamespaceOption, confirmed, rows_in_words, with_engine
from tmws_mcp.cli.render import console, facts, print_json, show, table
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.model.learned import ObservingStatus

app = typer.Typer(
    cls=Commands, no_args_is_help=True, help="Pause, resume, look at and delete observations."
)


@app.command()
def pause(
    reason: Annotated[str, typer.Argument(help="Why; it is told to whoever observes.")] = "",
    *,
    namespace: NamespaceOption = "",
) -> None:
    """Record nothing in a namespace until it is resumed, whichever process asks."""
    found = with_engine(lambda engine: engine.manage.pause(reason, namespace))
    show(f"Namespace {found.scope.namespace}: {found.paused}. `observations resume` ends it.")


@app.command()
def resume(*, namespace: NamespaceOption = "") -> None:
    """Record again."""
    if not with_engine(lambda engine: engine.manage.resume(namespace)):
        end(NOTHING, "Observing was not paused.")
    show("Observing goes on.")


@app.command()
def status(*, namespace: NamespaceOption = "", as_json: JsonOption = False) -> None:
    """Say whether observing goes on, what is kept and for how long, and what can be undone."""
    found = with_engine(lambda engine: engine.manage.observing(namespace))
    if as_json:
        print_json(found)
        return
    console().print(facts(_facts(found)))
    if found.forgotten:
        rows = [(one.undo, one.subject, one.undo_until) for one in found.forgotten]
        console().print(table(("undo", "forgotten", "until"), rows))


def _facts(found: ObservingStatus) -> list[tuple[str, object]]:
    return [
        ("namespace", f"{found.scope.namespace} (by {found.scope.source})"),
        ("observing", found.paused or "yes"),
        ("steps", found.steps),
        ("from", found.oldest_step),
        ("to", found.newest_step),
        ("sessions", found.sessions),
        ("learned patterns", found.learned),
        ("steps are kept", _days(found.steps_days)),
        ("sessions are kept", _days(found.sessions_days)),
    ]


def _days(days: int) -> str:
    return f"{days} days" if days else "until there is no more room"


@app.command()
def delete(
    *,
    older_than: Annotated[
        int, typer.Option("--older-than", min=0, metavar="DAYS", help="Only what is older.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    namespace: NamespaceOption = "",
) -> None:
    """Erase the step log and the sessions of a namespace; what was learned from them stays."""
    found = with_engine(
        lambda engine: engine.manage.delete_log(
            older_than_days=older_than, dry_run=True, namespace=namespace
        )
    )
    if not found.rows:
        end(NOTHING, f"There is nothing of {found.subject}.")
    show(f"{found.subject}: {rows_in_words(found.rows)}; {found.note}.")
    if dry_run:
        end(OK)
    if not yes and not confirmed("Erase it? It cannot be undone."):
        end(FAILED, "Nothing was erased.")
    with_engine(
        lambda engine: engine.manage.delete_log(older_than_days=older_than, namespace=namespace)
    )
    show("Erased.")
