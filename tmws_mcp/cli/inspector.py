"""`tmws-mcp inspect`: look at a server through the tools and resources that a model has.

What is printed is what a model would read, so that a wrong answer can be told from a wrong
impression of it. Each reply is printed with what it costs a model in tokens.
"""

import json
from typing import Annotated, Any

import typer

from tmws_mcp.cli import explain, inspect_learned, inspect_stats, ranks, watch
from tmws_mcp.cli.exits import FAILED, NOTHING, OK, Commands, end
from tmws_mcp.cli.render import console, facts, one_line, print_json, show, table
from tmws_mcp.cli.servers import show_upstream
from tmws_mcp.cli.target import Answer, CommandOption, JsonOption, Server, UrlOption, run
from tmws_mcp.errors import InvalidInput, NotFound
from tmws_mcp.model import ExecuteReply, JsonObject, PatternSummary, RecallReply
from tmws_mcp.model.memory import RECALL_LIMIT_MAX, TOKEN_BUDGET_MAX
from tmws_mcp.model.status import UpstreamState
from tmws_mcp.tokens import estimate_tokens

HINTS = {
    "read-only": "readOnlyHint",
    "destructive": "destructiveHint",
    "idempotent": "idempotentHint",
    "open-world": "openWorldHint",
}

NamespaceOption = Annotated[str, typer.Option(help="Look here instead of the default.")]
LimitOption = Annotated[int, typer.Option(min=1, max=RECALL_LIMIT_MAX, help="How many at most.")]
KindOption = Annotated[
    list[str] | None, typer.Option(help="semantic, episodic or procedural; repeat it for more.")
]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="Repeat it: all must fit.")]

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Look at the local store as a model would see it, or at a server through an MCP client.",
)


@app.command()
def tools(*, command: CommandOption = "", url: UrlOption = "", as_json: JsonOption = False) -> None:
    """List the tools, and what each costs in every request of a model."""
    listed = run(command, url, lambda server: server.tools())
    if as_json:
        print_json(listed)
        return
    rows = [
        (
            one_line(str(tool["name"])),
            _hints(tool),
            _tool_tokens(tool),
            str(tool.get("description", "")).strip(),
        )
        for tool in listed
    ]
    columns = ("tool", "hints", "tokens", "description")
    console().print(table(columns, rows, numbers=("tokens",)))
    total = sum(_tool_tokens(tool) for tool in listed)
    show(f"{len(listed)} tools, about {total:,} tokens (estimated) in each request.")


@app.command()
def call(
    name: Annotated[str, typer.Argument(help="The tool.")],
    arguments: Annotated[str, typer.Argument(help="Its arguments, a JSON object.")] = "{}",
    *,
    command: CommandOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Call a tool; prints the text that a model would read, and its cost."""
    given = _object(arguments)
    answer = run(command, url, lambda server: server.call(name, given))
    if as_json:
        print_json({**_as_json(answer), "is_error": answer.is_error})
    else:
        show(answer.text, "red" if answer.is_error else "")
        _show_cost(answer)
    end(FAILED if answer.is_error else OK)


@app.command()
def recall(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    limit: LimitOption = 5,
    budget: Annotated[int, typer.Option(help="Tokens of the reply.")] = 800,
    tag: TagOption = None,
    namespace: NamespaceOption = "",
    command: CommandOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Recall memories; shows their scores and which signals found them."""
    request = {
        "query": query,
        "limit": limit,
        "token_budget": budget,
        "tags": tag,
        "namespace": namespace,
    }
    answer = run(command, url, lambda server: server.ask("recall_memory", request))
    _show_memories(answer, as_json=as_json, scored=True)


@app.command()
def memories(
    *,
    limit: LimitOption = 20,
    tag: TagOption = None,
    kind: KindOption = None,
    thread: Annotated[str, typer.Option(help="Of this conversation or run.")] = "",
    speaker: Annotated[str, typer.Option(help="Said by them.")] = "",
    persona: Annotated[str, typer.Option(help="Stored by this persona.")] = "",
    since: Annotated[str, typer.Option(help="Not older than this date or time.")] = "",
    until: Annotated[str, typer.Option(help="Not newer.")] = "",
    history: Annotated[str, typer.Option(help="All versions of the memory with this id.")] = "",
    namespace: NamespaceOption = "",
    command: CommandOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """List memories under filters, the newest first; or all versions of one."""
    if history:
        versions = run(command, url, lambda server: _versions(server, history, namespace))
        _show_memories(versions, as_json=as_json, scored=False)
    filters = {
        "limit": limit,
        "token_budget": TOKEN_BUDGET_MAX,
        "tags": tag,
        "kinds": kind,
        "thread": thread,
        "speaker": speaker,
        "persona": persona,
        "since": since,
        "until": until,
        "namespace": namespace,
    }
    answer = run(command, url, lambda server: server.ask("recall_memory", filters))
    _show_memories(answer, as_json=as_json, scored=False)


@app.command()
def route(
    query: Annotated[str, typer.Argument(help="The query, as pattern_execute would get it.")],
    *,
    mode: Annotated[str, typer.Option(help="balanced, fast or comprehensive.")] = "balanced",
    namespace: NamespaceOption = "",
    command: CommandOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say how a query would be answered and why; nothing is run."""
    request = {
        "query": query,
        "mode": mode,
        "dry_run": True,
        "explain": True,
        "namespace": namespace,
    }
    answer = run(command, url, lambda server: server.ask("pattern_execute", request))
    if as_json:
        print_json(answer.structured)
    else:
        explain.show_route(ExecuteReply.model_validate(answer.structured))


@app.command()
def why(
    name: Annotated[
        str, typer.Argument(help="Id of a memory, a learned pattern or a pattern.")
    ] = "",
    *,
    recall: Annotated[
        str, typer.Option(help="Why this query finds what it finds; with an id: why that one.")
    ] = "",
    command: CommandOption = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Explain a memory, a learned pattern or a pattern by its id, or the ranks of a query."""
    if recall:
        told = run(command, url, lambda server: ranks.found(server, recall, name))
        ranks.show_all(told, as_json=as_json)
    if not name:
        raise InvalidInput("Give the id of what to explain, or --recall and a query.")
    subject = run(command, url, lambda server: explain.find(server, name))
    if subject is None:
        raise NotFound(
            "memory, learned pattern or pattern",
            name,
            remedy="`tmws-mcp inspect memories`, `learned` and `patterns` list their ids.",
        )
    if as_json:
        print_json(subject)
    else:
        explain.show(subject)


@app.command()
def patterns(
    *, command: CommandOption = "", url: UrlOption = "", as_json: JsonOption = False
) -> None:
    """List the authored patterns of the server."""
    found = run(command, url, explain.all_patterns)
    if as_json:
        print_json(found)
    else:
        columns = ("pattern", "route", "what it does", "for example")
        console().print(table(columns, [_pattern_row(pattern) for pattern in found]))
    end(OK if found else NOTHING)


@app.command()
def upstream(
    *, command: CommandOption = "", url: UrlOption = "", as_json: JsonOption = False
) -> None:
    """List the other MCP servers whose tools patterns may call, started, with these tools."""
    found = run(command, url, lambda server: server.read_own("tmws://upstream"))
    if as_json:
        print_json(found)
    else:
        servers = [UpstreamState.model_validate(server) for server in found]
        show_upstream(servers)
    end(OK if found else NOTHING)


app.command()(inspect_learned.learned)
app.command()(inspect_learned.compare)
app.command()(inspect_learned.diff)
app.command()(inspect_stats.stats)
app.command()(inspect_stats.cache)
app.command()(watch.watch)


async def _versions(server: Server, name: str, namespace: str) -> Answer:
    """Return all versions of a memory, newest first, read as a model would read them."""
    found = await server.ask("recall_memory", {"ids": [name], "namespace": namespace})
    ids = [one for memory in found.structured["memories"] for one in memory.get("history", ())]
    return await server.ask("recall_memory", {"ids": ids, "namespace": namespace}) if ids else found


def _tool_tokens(tool: JsonObject) -> int:
    parts = {
        "name": tool["name"],
        "description": tool.get("description"),
        "parameters": tool["inputSchema"],
    }
    return estimate_tokens(json.dumps(parts, ensure_ascii=False, separators=(",", ":")))


def _hints(tool: JsonObject) -> str:
    given = tool.get("annotations")
    if not isinstance(given, dict):
        return ""
    return ", ".join(name for name, key in HINTS.items() if given.get(key))


def _object(arguments: str) -> dict[str, Any]:
    try:
        given = json.loads(arguments)
    except ValueError as error:
        raise InvalidInput(f"The arguments are not JSON ({error}). Quote them: '{{…}}'.") from error
    if not isinstance(given, dict):
        raise InvalidInput('The arguments must be a JSON object, for example {"query": "ports"}.')
    return given


def _show_memories(answer: Answer, *, as_json: bool, scored: bool) -> None:
    reply = RecallReply.model_validate(answer.structured)
    if as_json:
        print_json(answer.structured)
    elif reply.memories:
        columns = ("id", *(("score", "found by") if scored else ("kind", "created")), "content")
        rows = [
            (m.id, *((m.score, m.matched) if scored else (m.kind, m.created_at)), m.content)
            for m in reply.memories
        ]
        console().print(table(columns, rows, numbers=("score",)))
    if not as_json:
        _show_scope(reply)
        _show_cost(answer)
    end(OK if reply.memories else NOTHING)


def _show_scope(reply: RecallReply) -> None:
    scope = ", ".join((reply.scope.namespace, *reply.scope.also))
    pairs = [
        ("namespaces", f"{scope} (by {reply.scope.source})"),
        ("known", reply.scope.known),
        ("tier", reply.tier),
        ("left out", reply.omitted or None),
        ("note", reply.note),
    ]
    console().print(facts(pairs))


def _show_cost(answer: Answer) -> None:
    show(f"about {answer.tokens:,} tokens (estimated) for the model", "dim")


def _as_json(answer: Answer) -> dict[str, object]:
    return {"text": answer.text, "structured": answer.structured, "tokens": answer.tokens}


def _pattern_row(pattern: PatternSummary) -> tuple[object, ...]:
    example = next(iter((*pattern.examples, *pattern.exact)), "")
    return pattern.id, pattern.route, pattern.summary, example
