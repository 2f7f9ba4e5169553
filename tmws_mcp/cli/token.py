"""`tmws-mcp token`: who may use a server over HTTP, for what, and what they wrote."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from tmws_mcp.cli.exits import NOTHING, OK, Commands, end
from tmws_mcp.cli.learned import with_engine
from tmws_mcp.cli.render import console, print_json, show, table
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.model.access import PERMISSIONS, TokenInfo

DAYS_MAX = 3_650

app = typer.Typer(
    cls=Commands, no_args_is_help=True, help="Let people and programs use a server over HTTP."
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whom or what it is for.")],
    *,
    can: Annotated[
        list[str] | None,
        typer.Option(help=f"One of: {', '.join(PERMISSIONS)}; repeat it for more. Default: read."),
    ] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="Where; repeat it for more, the first is default. Default: everywhere."),
    ] = None,
    per_minute: Annotated[
        int, typer.Option(help="Requests a minute; 0: as many as the settings allow.")
    ] = 0,
    days: Annotated[
        int | None, typer.Option(help="It ends after so many.", min=1, max=DAYS_MAX)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token, and print it: it can be seen this once."""
    ends = datetime.now(UTC) + timedelta(days=days) if days else None
    asked = {
        "name": name, "permissions": can or ["read"], "namespaces": namespace or [],
        "per_minute": per_minute, "expires_at": ends,
    }  # fmt: skip
    made = with_engine(lambda engine: engine.tokens.create(asked))
    if as_json:
        print_json(made.model_dump(mode="json", exclude_none=True))
    else:
        print(made.secret)  # noqa: T201 - for a pipe: nothing else stands on stdout


@app.command("list")
def list_tokens(*, as_json: JsonOption = False) -> None:
    """List the tokens, never their secrets."""
    found = with_engine(lambda engine: engine.tokens.listed())
    if as_json:
        print_json([one.model_dump(mode="json", exclude_none=True) for one in found])
    else:
        columns = ("id", "name", "may", "where", "per minute", "used", "state")
        console().print(table(columns, [_row(one) for one in found]))
    end(OK if found else NOTHING)


@app.command()
def revoke(token: Annotated[str, typer.Argument(metavar="ID", help="Its id.")]) -> None:
    """Revoke a token at once: the next request with it is refused."""
    gone = with_engine(lambda engine: engine.tokens.revoke(token))
    show(f"Revoked {gone.token} ({gone.name}).")


@app.command()
def audit(
    token: Annotated[str, typer.Argument(metavar="[ID]", help="Of this token.")] = "",
    *,
    limit: Annotated[int, typer.Option(help="The newest ones.", min=1, max=1000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show what was written over HTTP, and with which token."""
    found = with_engine(lambda engine: engine.tokens.audited(token, limit=limit))
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
    else:
        columns = ("at", "token", "name", "action", "namespace", "outcome")
        rows = [tuple(getattr(one, column) for column in columns) for one in found]
        console().print(table(columns, rows))
    end(OK if found else NOTHING)


def _row(one: TokenInfo) -> tuple[str, ...]:
    state = (
        f"revoked {one.revoked_at}" if one.revoked_at else f"until {one.expires_at or 'revoked'}"
    )
    return (
        one.token,
        one.name,
        " ".join(one.permissions),
        " ".join(one.namespaces) or "everywhere",
        str(one.per_minute or "-"),
        one.used_at or "never",
        state,
    )
