"""`tmws-mcp hook`: learn from what an agent does, without a call and without a token.

A client runs a small program for each event of its hooks (ingest/hook_entry.py), which puts the
event down and ends; a server takes in what lies there. This edits the client's settings, and shows
what waits.
"""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import anyio
import typer
from pydantic import JsonValue

from tmws_mcp.cli import clients, jsonfile
from tmws_mcp.cli.exits import FAILED, NOTHING, OK, Commands, end
from tmws_mcp.cli.render import print_json, show
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.errors import FileError, InvalidInput
from tmws_mcp.ingest import hook_entry, spool
from tmws_mcp.model import JsonObject, StoreRequest
from tmws_mcp.model.problems import validated
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

TIMEOUT_SECONDS = 5
EVENTS: Final = {
    "PostToolUse": "*",
    "PostToolUseFailure": "*",
    "SessionStart": "",
    "UserPromptSubmit": "",
    "SessionEnd": "",
}
"""With what they are matched by, where they take a matcher."""
TEMPORARY = (
    "This program lies in uv's cache, which may be emptied: the hooks would run nothing then. "
    "Install it to stay, with `uv tool install tmws-mcp` or pip, and call that one."
)
SCOPES: Final = {
    "user": lambda: Path.home() / ".claude" / "settings.json",
    "project": lambda: Path.cwd() / ".claude" / "settings.json",
    "local": lambda: Path.cwd() / ".claude" / "settings.local.json",
}
ENTRY = Path(hook_entry.__file__)

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Learn from a client's hooks: observing costs no token.",
)
ClientArgument = Annotated[str, typer.Argument(help="claude-code.")]
ScopeOption = Annotated[str, typer.Option("--scope", help=f"One of: {', '.join(SCOPES)}.")]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="The settings file. Default: by the scope.")
]


@app.command()
def install(
    client: ClientArgument,
    *,
    scope: ScopeOption = "user",
    file: FileOption = None,
    namespace: Annotated[
        str, typer.Option(help="Always this one. Default: that of the project at work.")
    ] = "",
) -> None:
    """Add our hooks to a client's settings; the old file is kept, and a repeat changes nothing."""
    path = _file(client, scope, file)
    if clients.is_temporary(Path(sys.executable)):
        raise InvalidInput(TEMPORARY)
    named = validated(StoreRequest, {"content": "x", "namespace": namespace}).namespace
    before = jsonfile.read(path)
    after = _without(before, path)
    hooks = after.setdefault("hooks", {})
    assert isinstance(hooks, dict)
    for event, matcher in EVENTS.items():
        groups = hooks.setdefault(event, [])
        assert isinstance(groups, list)
        groups.append(_group(matcher, named))
    _change(path, before, after, "Start Claude Code again; /hooks shows them.")


@app.command()
def uninstall(
    client: ClientArgument, *, scope: ScopeOption = "user", file: FileOption = None
) -> None:
    """Take our hooks out of a client's settings; what was learned stays."""
    path = _file(client, scope, file)
    before = jsonfile.read(path)
    after = _without(before, path)
    _change(path, before, after, "Start Claude Code again.")
    end(OK if before != after else NOTHING)


@app.command()
def status(
    client: ClientArgument = "claude-code",
    *,
    scope: ScopeOption = "user",
    file: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether our hooks are installed, and what they have put down that nobody took in yet."""
    path, folder = _file(client, scope, file), Settings.load().home / spool.FOLDER
    before = jsonfile.read(path)
    installed = before != _without(before, path)
    gone = _gone(before)
    waiting, problem = len(spool.waiting(folder)), spool.problem(folder)
    bad = len(list(folder.glob("*.bad")))
    if as_json:
        print_json({"file": path, "installed": installed, "waiting": waiting, "bad": bad}
                   | {"problem": problem or None, "gone": gone})  # fmt: skip
    else:
        more = " or more" if waiting == spool.TAKEN_AT_ONCE else ""
        show(f"{path}: our hooks are {'' if installed else 'not '}installed.")
        for program in gone:
            show(f"They run {program}, which is gone: call hook install again.")
        show(f"{waiting}{more} events wait in {folder}; {bad} could not be read.")
        if problem:
            show(f"The last hook that failed said: {problem}")
    end(FAILED if gone else OK if installed else NOTHING)


@app.command()
def drain() -> None:
    """Take in now what hooks have put down; a running server does it every two seconds."""
    settings = Settings.load()
    configure_logging(settings.log_level)
    done = anyio.run(_drain, settings)
    show(f"{done:,} events taken in.")
    end(OK if done else NOTHING)


@app.command()
def run(
    namespace: Annotated[str, typer.Option(help="Where it belongs. Default: by the project.")] = "",
) -> None:
    """Put down the event on standard input, as an installed hook does faster."""
    hook_entry.main([str(Settings.load().home / spool.FOLDER), namespace])


async def _drain(settings: Settings) -> int:
    from tmws_mcp.engine import open_engine  # noqa: PLC0415 - heavy, and no other command's

    total = 0
    async with open_engine(settings) as engine:
        while done := await engine.hooks.drain():
            total += done
    return total


def _file(client: str, scope: str, file: Path | None) -> Path:
    if client != "claude-code":
        raise InvalidInput(f"There are no hooks for {client!r}. Known is claude-code.")
    if scope not in SCOPES:
        raise InvalidInput(f"There is no scope {scope!r}. Known are {', '.join(SCOPES)}.")
    return file or SCOPES[scope]()


def _group(matcher: str, namespace: str) -> JsonObject:
    """Return an event's hook: Python without site-packages, since it starts twice as fast."""
    folder = Settings.load().home / spool.FOLDER
    words = [sys.executable, "-I", "-S", str(ENTRY), str(folder), *filter(None, [namespace])]
    hook: JsonObject = {
        "type": "command",
        "command": shlex.join(words),
        "timeout": TIMEOUT_SECONDS,
    }
    return ({"matcher": matcher} if matcher else {}) | {"hooks": [hook]}


def _without(settings: JsonObject, path: Path) -> JsonObject:
    """Return a client's settings without our hooks; what becomes empty goes."""
    hooks = settings.get("hooks", {})
    if not isinstance(hooks, dict):
        raise FileError(path, "has something else than hooks under 'hooks'.")
    left = {event: _others(groups) for event, groups in hooks.items()}
    kept = {event: groups for event, groups in left.items() if groups or not hooks[event]}
    rest = {name: value for name, value in settings.items() if name != "hooks"}
    return {**rest, "hooks": kept} if kept else rest


def _others(groups: JsonValue) -> JsonValue:
    if not isinstance(groups, list):
        return groups
    return [group for group in groups if not _is_ours(group)]


def _is_ours(group: JsonValue) -> bool:
    return bool(_commands(group))


def _commands(group: JsonValue) -> list[str]:
    """Return the commands of a group that is ours; of another's none."""
    hooks = group.get("hooks") if isinstance(group, dict) else None
    listed = hooks if isinstance(hooks, list) else []
    commands = [hook.get("command") if isinstance(hook, dict) else None for hook in listed]
    ours = [one for one in commands if isinstance(one, str) and ENTRY.name in one]
    return ours if len(ours) == len(listed) else []


def _gone(settings: JsonObject) -> list[str]:
    """Return the programs that our hooks in these settings run and that are not there."""
    hooks = settings.get("hooks")
    listed = hooks.values() if isinstance(hooks, dict) else ()
    groups = [group for each in listed if isinstance(each, list) for group in each]
    calls = [shlex.split(command) for group in groups for command in _commands(group)]
    programs = {word for call in calls for word in call if word == call[0] or _is_entry(word)}
    return sorted(one for one in programs if Path(one).is_absolute() and not Path(one).exists())


def _is_entry(word: str) -> bool:
    return Path(word).name == ENTRY.name


def _change(path: Path, before: JsonObject, after: JsonObject, then: str) -> None:
    if before == after:
        show(f"{path} is as it should be already.")
        return
    done = "removed: it held nothing else" if jsonfile.is_ours(path, after) else "changed"
    kept = jsonfile.change(path, after)
    where = f" The old file is {kept}." if kept else ""
    show(f"{path} is {done}.{where} {then}")
