"""`tmws-mcp patterns run`: queries answered as pattern_execute answers them, one or many."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer

from tmws_mcp.cli.exits import FAILED, NOTHING, OK, end
from tmws_mcp.cli.render import print_json, show
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.engine import open_engine
from tmws_mcp.engine.batch import QUERIES_MAX, TOKENS_DEFAULT
from tmws_mcp.errors import FileError, TooLarge
from tmws_mcp.model import Batched, BatchReply
from tmws_mcp.patterns.text import execute_text
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import configure_logging

STDIN = "-"
FILE_BYTES_MAX = 1_000_000


def run(
    queries: Annotated[list[str] | None, typer.Argument(metavar="QUERY…")] = None,
    *,
    batch: Annotated[
        str, typer.Option(metavar="FILE", help="A query, or a JSON object, in each line; - reads.")
    ] = "",
    tokens: Annotated[int, typer.Option(help="For all answers together.")] = TOKENS_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Answer queries as pattern_execute does, side by side, within one token budget."""
    settings = Settings.load()
    configure_logging(settings.log_level)
    asked: list[str | dict[str, Any]] = [*(queries or ()), *(_lines(batch) if batch else ())]
    reply = anyio.run(_run, settings, asked, tokens)
    if as_json:
        print_json(reply)
    else:
        for answer in reply.answers:
            _show(answer)
    failed = any(answer.error for answer in reply.answers)
    end(FAILED if failed else OK if reply.answers else NOTHING)


async def _run(settings: Settings, asked: list[str | dict[str, Any]], tokens: int) -> BatchReply:
    async with open_engine(settings) as engine:
        return await engine.pattern_execute_many(asked, token_budget=tokens)


def _lines(name: str) -> list[str | dict[str, Any]]:
    """Return the queries of a file; a line that begins as an object is one request in full."""
    text = sys.stdin.read(FILE_BYTES_MAX + 1) if name == STDIN else _text(Path(name))
    if len(text) > FILE_BYTES_MAX:
        remedy = f"A batch has at most {QUERIES_MAX} queries."
        raise TooLarge(name, len(text), FILE_BYTES_MAX, "characters", remedy=remedy)
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [_request(name, number, line) for number, line in lines if line]


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, f"cannot be read: {error}") from error


def _request(name: str, number: int, line: str) -> str | dict[str, Any]:
    if not line.startswith("{"):
        return line
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise FileError(name, f"is not JSON: {error}", line=number) from error
    return found


def _show(answer: Batched) -> None:
    show(f"> {answer.query}", "bold")
    if answer.reply is not None:
        show(execute_text(answer.reply))
    else:
        show(answer.error or "", "red")
    show("")
