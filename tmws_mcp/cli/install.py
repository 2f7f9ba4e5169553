"""`tmws-mcp install CLIENT`, `uninstall CLIENT`: the one entry in a client's configuration."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from tmws_mcp.cli import jsonfile
from tmws_mcp.cli.clients import CLIENTS, NAME, Client, command
from tmws_mcp.cli.exits import NOTHING, OK, end
from tmws_mcp.cli.render import print_json, show
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.errors import FileError, InvalidInput
from tmws_mcp.model import JsonObject

ClientArgument = Annotated[str, typer.Argument(help=f"One of: {', '.join(CLIENTS)}.")]
NameOption = Annotated[str, typer.Option("--name", help="The server's name there.")]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="The client's file. Default: where it looks for it.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
]


def install(
    client: ClientArgument,
    *,
    name: NameOption = NAME,
    file: FileOption = None,
    namespace: Annotated[
        str, typer.Option(help="Always this one. Default: one for each project.")
    ] = "",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give this server to a client: one entry in its configuration, the old file kept."""
    known = _client(client)
    entry = known.entry(command())
    if namespace:
        entry["env"] = {"TMWS_NAMESPACE": namespace}
    _change(known, file or known.path(), name, entry, dry_run=dry_run, as_json=as_json)


def uninstall(
    client: ClientArgument,
    *,
    name: NameOption = NAME,
    file: FileOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take this server's entry out of a client's configuration; what was stored stays."""
    known = _client(client)
    _change(known, file or known.path(), name, None, dry_run=dry_run, as_json=as_json)


def _client(name: str) -> Client:
    if name not in CLIENTS:
        raise InvalidInput(f"There is no client {name!r}. Known are {', '.join(CLIENTS)}.")
    return CLIENTS[name]


def _change(
    client: Client,
    path: Path,
    name: str,
    entry: JsonObject | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    before = jsonfile.read(path)
    after = _with(before, client.key, name, entry, path)
    changed = before != after
    goes = changed and jsonfile.is_ours(path, after)
    kept = jsonfile.change(path, after) if changed and not dry_run else None
    if as_json:
        told = {"file": path, "changed": changed, "dry_run": dry_run, "backup": kept}
        print_json(told | {"entry": entry})
    elif not changed:
        show(f"{path} says so already." if entry else f"{path} has no server {name!r}.")
    elif goes:
        done = "would be removed" if dry_run else "is removed"
        show(f"{client.title}: {path} {done}: it holds nothing else. {client.restart}")
    elif dry_run:
        show(_difference(before, after, path))
    else:
        where = f" The old file is {kept}." if kept else ""
        show(f"{client.title}: {path} is changed.{where} {client.restart}")
    end(OK if changed or entry else NOTHING)


def _with(
    before: JsonObject, key: str, name: str, entry: JsonObject | None, path: Path
) -> JsonObject:
    """Return the configuration with the entry, or without it."""
    servers = before.get(key, {})
    if not isinstance(servers, dict):
        raise FileError(path, f"has something else than servers under {key!r}.")
    others = {named: other for named, other in servers.items() if named != name}
    if entry is None:
        return {**before, key: others} if name in servers else before
    if servers.get(name) == entry:
        return before
    return {**before, key: {**servers, name: entry}}


def _difference(before: JsonObject, after: JsonObject, path: Path) -> str:
    lines = difflib.unified_diff(
        jsonfile.text(before).splitlines(),
        jsonfile.text(after).splitlines(),
        f"{path}",
        f"{path} as it would be",
        lineterm="",
    )
    return "\n".join(lines)
