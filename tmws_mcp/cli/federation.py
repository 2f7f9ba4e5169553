"""`tmws-mcp federation`: what is shared with other instances, and what a person does about it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, Commands, end
from tmws_mcp.cli.learned import NamespaceOption, confirmed, with_engine
from tmws_mcp.cli.render import console, facts, print_json, show, table
from tmws_mcp.cli.target import CommandOption, JsonOption, UrlOption, run
from tmws_mcp.model.federation import (
    FederationReport,
    ForgottenEverywhere,
    NamespaceFederation,
    PeerLine,
)

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Share learned patterns with other instances over Redis.",
)

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def inspect(
    *, command: CommandOption = "", url: UrlOption = "", as_json: JsonOption = False
) -> None:
    """Show what is shared: the instances, how far each is in step, own and others' evidence."""
    found = run(command, url, lambda server: server.read_own("tmws://federation"))
    _show(FederationReport.model_validate(found), as_json=as_json)


@app.command()
def status(*, as_json: JsonOption = False) -> None:
    """Say whether, with whom and how far learned patterns are shared."""
    _show(with_engine(lambda engine: engine.federation.report()), as_json=as_json)


@app.command()
def sync(*, as_json: JsonOption = False) -> None:
    """Agree with the hub now; the background does so by itself every two seconds."""
    _show(with_engine(lambda engine: engine.federation.sync()), as_json=as_json)


@app.command()
def forget(
    pattern: Annotated[str, typer.Argument(metavar="[ID]", help="A learned pattern.")] = "",
    *,
    task: Annotated[str, typer.Option(help="All about this task (its text).")] = "",
    tool: Annotated[str, typer.Option(help="All about this tool or method.")] = "",
    actor: Annotated[str, typer.Option(help="All that this instance counted.")] = "",
    namespace: NamespaceOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forget on every instance, and in Redis; it cannot be undone."""
    if not yes and not confirmed("Forget it on every instance? This cannot be undone."):
        end(FAILED, "Nothing was forgotten.")
    reply = with_engine(
        lambda engine: engine.federation.forget(
            pattern=pattern, task=task, tool=tool, actor=actor, namespace=namespace
        )
    )
    _show_forgotten(reply, as_json=as_json)


@app.command()
def leave(
    *, namespace: NamespaceOption = "", yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Take back from the others what this instance shared; it keeps that for itself."""
    if not yes and not confirmed("Leave the team?"):
        end(FAILED, "Nothing has changed.")
    reply = with_engine(lambda engine: engine.federation.leave(namespace))
    _show_forgotten(reply, as_json=as_json)


@app.command()
def acl(user: Annotated[str, typer.Argument(help="Name of the Redis user.")] = "tmws") -> None:
    """Print the Redis commands that make a user who may do what sharing needs, and no more."""

    async def rules(engine: "Engine") -> tuple[str, ...]:
        return engine.federation.acl_rules(user)

    found = with_engine(rules)
    if not found:
        end(NOTHING, "No namespace is shared: TMWS_FEDERATION_NAMESPACES names none.")
    for rule in found:
        show(rule)


def _show_forgotten(reply: ForgottenEverywhere, *, as_json: bool) -> None:
    if as_json:
        print_json(reply)
        return
    show(f"Forgotten on {reply.done} of {reply.of} instances: {reply.subject}.")
    if reply.note:
        show(f"Note: {reply.note}", "yellow")


def _show(report: FederationReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        end(OK)
    console().print(facts([("state", report.state), ("this instance", report.actor)]))
    for namespace in report.namespaces:
        _show_namespace(namespace)


def _show_namespace(found: NamespaceFederation) -> None:
    console().print(
        facts(
            [
                ("waiting to be sent", found.waiting),
                ("tombstones", found.forgotten),
                ("rows of own evidence", found.own_evidence),
                ("rows of others' evidence", found.foreign_evidence),
                ("slots sent and taken", f"{found.sent} and {found.taken} by this process"),
                ("messages refused", found.refused),
            ],
            title=f"namespace {found.namespace}",
        )
    )
    columns = (
        "instance", "slots", "redacted", "bytes", "here up to", "hub up to", "lag, s", "digest",
        "in step",
    )  # fmt: skip
    console().print(table(columns, map(_row, found.peers), numbers=columns[1:7]))


def _row(peer: PeerLine) -> tuple[object, ...]:
    hub = "?" if peer.hub_vv is None else peer.hub_vv
    step = "?" if peer.same is None else "yes" if peer.same else "not yet"
    name = f"{peer.actor} (this one)" if peer.own else peer.actor
    lag = "?" if peer.lag_seconds is None else f"{peer.lag_seconds:.1f}"
    return (name, peer.slots, peer.redacted, peer.bytes, peer.vv, hub, lag, peer.digest, step)
