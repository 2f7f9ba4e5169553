"""`tmws-mcp inspect stats` and `inspect cache`: what the server counted of itself."""

from typing import Any

from tmws_mcp.cli.exits import NOTHING, OK, end
from tmws_mcp.cli.render import console, facts, print_json, share, show, table
from tmws_mcp.cli.target import CommandOption, JsonOption, Server, UrlOption, run
from tmws_mcp.model.figures import CacheFigures, Insight, PatternFigures

STATS = "tmws://stats"
NOTHING_YET = "Nothing was executed yet."


def stats(*, command: CommandOption = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show what executions cost and brought in the last week, with alerts and suggestions."""
    found = run(command, url, _insight)
    if as_json:
        print_json(found)
    else:
        _show(Insight.model_validate(found))
    end(OK)


def cache(*, command: CommandOption = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Show how each cache served in the last week, and what the server holds now."""
    found = run(command, url, _insight)
    if as_json:
        print_json(found["caches"])
    elif not found["caches"]:
        show(NOTHING_YET)
    else:
        told = Insight.model_validate(found)
        columns = ("cache", "hits", "misses", "asked again", "still kept", "entries", "bytes")
        rows = [_cache_row(one) for one in told.caches]
        console().print(table(columns, rows, numbers=columns[1:]))
        if by := _by_layer(told):
            console().print(facts(by, title="Answers given again, by the layer that kept them"))
    end(OK if found["caches"] else NOTHING)


async def _insight(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = (await server.read_own(STATS))["insight"]
    return found


def _show(told: Insight) -> None:
    if not told.patterns:
        show(NOTHING_YET)
    else:
        columns = ("pattern", "runs", "p50 ms", "p95 ms", "failed", "kept", "tokens")
        more = ("saved", "found", "again", "good")
        rows = [_pattern_row(one) for one in told.patterns]
        title = f"The last {told.days} days"
        numbers = (*columns[1:], *more)
        console().print(table((*columns, *more), rows, title=title, numbers=numbers))
    if told.connections:
        pairs = told.connections.model_dump().items()
        named = [(f"store: {name.replace('_', ' ')}", value) for name, value in pairs]
        console().print(facts(named))
    for alert in told.alerts:
        show(f"{alert.level}: {alert.about}: {alert.text}")
    for said in (*told.suggestions, *told.trends):
        show(said)


def _pattern_row(one: PatternFigures) -> tuple[object, ...]:
    times = [f"{ms:g}" if ms is not None else "" for ms in (one.p50_ms, one.p95_ms)]
    kept = share(one.kept / one.runs) if one.runs else ""
    found = share(one.found / one.recalled) if one.recalled else ""
    good = share(one.good / one.judged) if one.judged else ""
    tokens = f"{one.tokens_mean:.0f}"
    counts = (one.tokens_saved, found, one.again, good)
    # A pattern's id begins with the route that it was written for.
    told = "" if one.pattern.startswith(f"{one.route}.") else f" ({one.route})"
    return f"{one.pattern}{told}", one.runs, *times, one.failed, kept, tokens, *counts


def _cache_row(one: CacheFigures) -> tuple[object, ...]:
    again = one.hits + one.again_missed
    held = [_of(*pair) for pair in ((one.entries, one.entries_max), (one.bytes, one.bytes_max))]
    return one.name, one.hits, one.misses, again, share(one.hit_rate), *held


def _of(held: int | None, most: int | None) -> str:
    return "" if held is None or most is None else f"{held:,} of {most:,}"


def _by_layer(told: Insight) -> list[tuple[str, object]]:
    total: dict[str, int] = {}
    for one in told.patterns:
        for layer, count in one.kept_by.items():
            total[layer] = total.get(layer, 0) + count
    return list(total.items())
