"""`tmws-mcp demo`: the whole loop alive within a minute.

A real MCP client speaks over stdio to a real server process on a store of its own in a temporary
folder, which is removed at the end. The story checks itself; a promise that does not come true
makes the exit code 1.
"""

import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import anyio
from rich.console import Console
from rich.status import Status

import tmws_mcp
from tmws_mcp.cli.demo_stage import Act, Audience, Call, Promise, Refused, Stage
from tmws_mcp.cli.demo_story import SCENES
from tmws_mcp.cli.exits import FAILED, OK, end
from tmws_mcp.cli.render import console, print_json, table, text
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.settings import PREFIX

REPLY_LINES_SHOWN = 12
REPLY_LINE_CHARS_SHOWN = 240
CALL_CHARS_SHOWN = 90
NAMESPACE = "demo"


def demo(*, as_json: JsonOption = False) -> None:
    """Show the whole loop alive: store, recall, execute, observe, recommend."""
    started = time.perf_counter()
    audience = Silence() if as_json else Person(console())
    with tempfile.TemporaryDirectory(prefix="tmws-demo-") as home:
        acts = anyio.run(tell, Path(home), audience)
    seconds = time.perf_counter() - started
    if as_json:
        print_json(_report(acts, seconds))
    else:
        _show_summary(acts, seconds)
    end(OK if _kept(acts) == len(_promises(acts)) else FAILED)


async def tell(home: Path, audience: Audience) -> list[Act]:
    """Play all scenes against a server process whose data lie in `home`."""
    from mcp import Client, StdioServerParameters  # noqa: PLC0415 - the heaviest of all imports

    from tmws_mcp.cli.client import CALL_SECONDS_MAX, ClientServer  # noqa: PLC0415 - as above

    server = StdioServerParameters(
        command=sys.executable, args=["-m", "tmws_mcp"], env=_environment(home), cwd=home
    )
    async with Client(server, read_timeout_seconds=CALL_SECONDS_MAX) as client:
        stage = Stage(ClientServer(client), audience)
        for scene in SCENES:
            stage.open(scene.title)
            try:
                await scene.play(stage)
            except Refused:
                continue
    return stage.acts


def _environment(home: Path) -> dict[str, str]:
    """Return the environment without the user's own settings, which are none of the story's."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    settings = {"HOME": home, "NAMESPACE": NAMESPACE, "WORKSPACE": _workspace()}
    return mine | {f"{PREFIX}{name}": str(value) for name, value in settings.items()}


def _workspace() -> Path:
    """Return the folder that the story looks at: the clone that we run from, else the package."""
    package = Path(tmws_mcp.__file__).parent
    return package.parent if (package.parent / ".git").exists() else package


class Silence:
    """Nobody looks: a program reads the report at the end."""

    def scene(self, number: int, title: str) -> None:
        """Show nothing."""

    def called(self, call: Call) -> None:
        """Show nothing."""

    def told(self, text: str) -> None:
        """Show nothing."""

    def promised(self, promise: Promise) -> None:
        """Show nothing."""

    def progress(self, text: str) -> None:
        """Show nothing."""


class Person:
    """Somebody at a terminal, or a file."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._status: Status | None = None

    def scene(self, number: int, title: str) -> None:
        """Show a heading."""
        self._print()
        self._print(f"{number}. {title}", "bold cyan")

    def called(self, call: Call) -> None:
        """Show the call, the reply's text as a model reads it, and its cost."""
        self._print(_shown(call), "bold", indent=3)
        lines = call.text.strip().splitlines()
        for line in lines[:REPLY_LINES_SHOWN]:
            self._print(_cut(line, REPLY_LINE_CHARS_SHOWN), "dim", indent=5)
        if len(lines) > REPLY_LINES_SHOWN:
            self._print(f"… {len(lines) - REPLY_LINES_SHOWN} more lines", "dim", indent=5)
        self._print(_cost(call), "magenta", indent=5)

    def told(self, text: str) -> None:
        """Show a sentence."""
        self._print(text, indent=3)

    def promised(self, promise: Promise) -> None:
        """Show a tick or a cross."""
        mark, style = ("ok", "green") if promise.kept else ("NO", "bold red")
        self._print(f"[{mark}] {promise.statement}", style, indent=3)

    def progress(self, text: str) -> None:
        """Show it in a line that the next output replaces; a file gets nothing."""
        if self._screen.is_terminal:
            if self._status is None:
                self._status = self._screen.status("")
                self._status.start()
            self._status.update(f"   {text}")

    def _print(self, content: str = "", style: str = "", *, indent: int = 0) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
        room = self._screen.width - indent
        for line in textwrap.wrap(content, room) or [""]:
            self._screen.print(text(" " * indent + line, style), soft_wrap=True)


def _shown(call: Call) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
    return _cut(f"> {call.tool}({arguments})", CALL_CHARS_SHOWN)


def _cut(line: str, chars_max: int) -> str:
    return f"{line[: chars_max - 1]}…" if len(line) > chars_max else line


def _cost(call: Call) -> str:
    cost = f"{call.tokens:,} tokens, {call.ms:.0f} ms"
    if call.history_tokens:
        cost += f"; the full history would be {call.history_tokens:,}"
    return cost


def _show_summary(acts: list[Act], seconds: float) -> None:
    screen = console()
    rows = [
        (number, act.title, *_figures(act.calls), f"{_kept([act])}/{len(act.promises)}")
        for number, act in enumerate(acts, 1)
    ]
    columns = ("", "scene", "tokens", "history", "kept")
    screen.print()
    screen.print(table(columns, rows, numbers=("", "tokens", "history", "kept")))
    calls = [call for act in acts for call in act.calls if call.history_tokens]
    mine, history = sum(c.tokens for c in calls), sum(c.history_tokens for c in calls)
    screen.print(
        text(
            f"{len(calls)} answers cost {mine:,} tokens; reading the full history for each would "
            f"have cost {history:,} (both estimated)."
        )
    )
    kept, all_of_them = _kept(acts), len(_promises(acts))
    style = "bold green" if kept == all_of_them else "bold red"
    verdict = f"{kept} of {all_of_them} promises came true, in {seconds:.1f} s."
    screen.print(text(verdict, style))


def _figures(calls: Iterable[Call]) -> tuple[object, object]:
    listed = list(calls)
    history = sum(call.history_tokens for call in listed)
    return sum(call.tokens for call in listed), history or None


def _promises(acts: Iterable[Act]) -> list[Promise]:
    return [promise for act in acts for promise in act.promises]


def _kept(acts: Iterable[Act]) -> int:
    return sum(promise.kept for promise in _promises(acts))


def _report(acts: list[Act], seconds: float) -> dict[str, object]:
    calls = [call for act in acts for call in act.calls if call.history_tokens]
    return {
        "ok": _kept(acts) == len(_promises(acts)),
        "seconds": round(seconds, 1),
        "promises": {"kept": _kept(acts), "of": len(_promises(acts))},
        "tokens_estimated": {
            "answers": sum(call.tokens for call in calls),
            "full_history": sum(call.history_tokens for call in calls),
        },
        "scenes": [asdict(act) for act in acts],
    }
