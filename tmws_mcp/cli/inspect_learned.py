"""`tmws-mcp inspect learned | compare | diff`: what was learned, asked as the rest."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote, urlencode

import typer
from pydantic import TypeAdapter

from tmws_mcp.cli import explain
from tmws_mcp.cli.exits import NOTHING, OK, end
from tmws_mcp.cli.render import console, print_json, share, show, table
from tmws_mcp.cli.target import CommandOption, JsonOption, Server, UrlOption, run
from tmws_mcp.errors import NotFound
from tmws_mcp.model import LearnedPattern
from tmws_mcp.model.learned import Compared, Comparison, LearnedMove

LIMIT_MAX = 5_000


def learned(
    pattern_id: Annotated[str, typer.Argument(metavar="[ID]", help="All about this one.")] = "",
    *,
    kind: Annotated[
        str, typer.Option(help="task_sequence, error_recovery, tool_usage or performance.")
    ] = "",
    tool: Annotated[str, typer.Option(help="Those that name this tool or method.")] = "",
    since: Annotated[str, typer.Option(help="Seen since this date or time.")] = "",
    min_support: Annotated[int, typer.Option(min=0, help="Seen so often at least.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="How many at most.")] = 200,
    command: CommandOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """List what was learned from observations, with its evidence; or show one of it."""
    if pattern_id:
        _show_one(pattern_id, command, url, as_json=as_json)
        return
    filters = {"kind": kind, "tool": tool, "since": since, "min_support": min_support}
    given = {name: value for name, value in filters.items() if value}
    uri = _uri("learned-patterns", {**given, "limit": limit})
    answer = run(command, url, lambda server: server.read_own(uri))
    found = TypeAdapter(tuple[LearnedPattern, ...]).validate_python(answer)
    if as_json:
        print_json(found)
    elif found:
        columns = ("id", "kind", "learned", "seen", "worked", "at least")
        rows = [_row(pattern) for pattern in found]
        console().print(table(columns, rows, numbers=columns[3:]))
    else:
        filtered = " that fits" if given else ""
        show(f"Nothing was learned here{filtered}: observe_interaction brings the evidence.")
    end(OK if found else NOTHING)


def _uri(name: str, arguments: Mapping[str, object]) -> str:
    given = {key: value for key, value in arguments.items() if value}
    query = urlencode(given, quote_via=quote)  # a plus would not be read as a blank
    return f"tmws://{name}?{query}" if query else f"tmws://{name}"


def _show_one(pattern_id: str, command: str, url: str, *, as_json: bool) -> None:
    async def read(server: Server) -> LearnedPattern | None:
        found = await server.read(f"tmws://learned/{pattern_id}")
        return LearnedPattern.model_validate(found) if found else None

    pattern = run(command, url, read)
    if pattern is None:
        raise NotFound(
            "learned pattern", pattern_id, remedy="`tmws-mcp inspect learned` lists the ids."
        )
    if as_json:
        print_json(pattern)
    else:
        explain.show(pattern)


def _row(pattern: LearnedPattern) -> tuple[object, ...]:
    evidence = pattern.evidence
    worked, least = share(pattern.success_rate), share(evidence.lower_bound)
    return pattern.pattern_id, pattern.kind, pattern.summary, evidence.support, worked, least


def compare(
    one: Annotated[str, typer.Argument(help="Id of a learned pattern, or a method or tool.")],
    other: Annotated[str, typer.Argument(help="What to hold it against.")],
    *,
    task: Annotated[str, typer.Option(help="By what they did for this task.")] = "",
    command: CommandOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say which of two works more often, with which probability, and which is faster (A/B)."""
    asked = {"one": one, "other": other, "task": task}
    uri = _uri("learned-comparison", asked)
    answer = run(command, url, lambda server: server.read(uri))
    if answer is None:
        raise NotFound(
            "evidence for one of",
            f"{one} and {other}",
            remedy="Both must have been observed; `tmws-mcp inspect learned` lists patterns.",
        )
    if as_json:
        print_json(answer)
        return
    found = Comparison.model_validate(answer)
    columns = ("", "what it is", "seen", "worked", "seconds", "tokens")
    rows = [_compared_row(side) for side in (found.one, found.other)]
    console().print(table(columns, rows, numbers=columns[2:]))
    show(found.verdict)


def _compared_row(side: Compared) -> tuple[object, ...]:
    return side.name, side.what, side.support, side.successes, side.seconds, side.tokens


def diff(
    since: Annotated[str, typer.Argument(help="Day (2026-11-24). Default: yesterday.")] = "",
    until: Annotated[str, typer.Argument(help="A later day. Default: today.")] = "",
    *,
    command: CommandOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say what was learned between the ends of two days (UTC)."""
    asked = {"since": since, "until": until}
    uri = _uri("learned-changes", asked)
    answer = run(command, url, lambda server: server.read_own(uri))
    found = TypeAdapter(tuple[LearnedMove, ...]).validate_python(answer)
    if as_json:
        print_json(found)
    elif found:
        columns = ("id", "learned", "runs", "worked", "before", "after", "")
        rows = [_moved_row(move) for move in found]
        console().print(table(columns, rows, numbers=columns[2:6]))
    else:
        show("Nothing was learned between these days.")
    end(OK if found else NOTHING)


def _moved_row(move: LearnedMove) -> tuple[object, ...]:
    changed = "got worse" if move.got_worse else "got better" if move.got_better else ""
    mark = changed or ("new" if move.is_new else "")
    before, after = share(move.share_before), share(move.share_after)
    return move.pattern_id, move.summary, move.runs, move.successes, before, after, mark
