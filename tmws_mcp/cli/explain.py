"""Why is this so: a memory, a learned pattern, an authored pattern, a route, each in words."""

from typing import Any

from pydantic import TypeAdapter

from tmws_mcp.cli.render import console, facts, share, shown, table, text
from tmws_mcp.cli.target import Server
from tmws_mcp.model import (
    Evidence,
    ExecuteReply,
    LearnedPattern,
    Memory,
    PatternSummary,
    Snapshot,
)

DAYS_SHOWN = 14
FEW_TIMES = 3  # below it, evidence is called thin

Subject = Memory | LearnedPattern | PatternSummary


async def find(server: Server, name: str) -> Subject | None:
    """Return what has this id; ids of patterns have a route and a dot, the others none."""
    if "." in name:
        pattern = await server.read(f"tmws://patterns/{name}")
        return PatternSummary.model_validate(pattern) if pattern else None
    if memory := await server.read(f"tmws://memory/{name}"):
        return Memory.model_validate(memory)
    if learned := await server.read(f"tmws://learned/{name}"):
        return LearnedPattern.model_validate(learned)
    return None


async def all_patterns(server: Server) -> tuple[PatternSummary, ...]:
    """Return the server's authored patterns."""
    found = await server.read_own("tmws://patterns")
    return TypeAdapter(tuple[PatternSummary, ...]).validate_python(found)


def show(subject: Subject) -> None:
    """Print what is known of it."""
    match subject:
        case Memory():
            _show_memory(subject)
        case LearnedPattern():
            _show_learned(subject)
        case PatternSummary():
            _show_pattern(subject)


def show_route(reply: ExecuteReply) -> None:
    """Print how a query would be answered, and what else was weighed."""
    why = reply.explanation
    pairs: list[tuple[str, object]] = [
        ("pattern", reply.pattern or "none"),
        ("matched by", reply.matched_by),
        ("route", text(reply.route, "bold")),
        ("confidence", reply.confidence),
        ("why matched", why.match if why else None),
        ("why routed", why.route if why else None),
        ("closest", why.closest if why else None),
        ("namespaces", (reply.scope.namespace, *reply.scope.also)),
    ]
    console().print(facts(pairs))
    if why and why.alternatives:
        rows = [(other.route, other.score, other.why) for other in why.alternatives]
        console().print(table(("not taken", "score", "why"), rows, numbers=("score",)))


def in_words(evidence: Evidence) -> str:
    """Return the evidence as a sentence.

    >>> in_words(Evidence(support=8, successes=7, instances=1, lower_bound=0.53))
    'Seen 8 times, it worked 7 times; the true share is hardly below 53 %.'
    """
    thin = " The evidence is thin." if evidence.support < FEW_TIMES else ""
    least = share(evidence.lower_bound)
    return (
        f"Seen {_times(evidence.support)}, it worked {_times(evidence.successes)}; "
        f"the true share is hardly below {least}.{thin}"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _show_memory(memory: Memory) -> None:
    left_out = {"id", "content", "score", "matched", "passage"}
    pairs = [
        (name.replace("_", " "), value)
        for name, value in memory.model_dump(exclude=left_out).items()
    ]
    console().print(facts([("memory", text(memory.id, "bold")), *pairs]))
    console().print(text(memory.content))


def _show_learned(pattern: LearnedPattern) -> None:
    evidence = pattern.evidence
    pairs: list[tuple[str, object]] = [
        ("learned", text(pattern.pattern_id, "bold")),
        ("kind", pattern.kind),
        ("summary", pattern.summary),
        ("evidence", in_words(evidence)),
        ("changed", _changed(evidence)),
        ("success rate", share(pattern.success_rate)),
        ("without it", share(evidence.base_rate)),
        ("takes", f"{pattern.seconds:.3g} s (median)" if pattern.seconds is not None else None),
        ("first seen", pattern.first_seen),
        ("last seen", evidence.last_seen),
        ("version", pattern.version),
        ("instances", evidence.instances),
        ("actors", pattern.actors),
    ]
    console().print(facts(pairs))
    console().print(facts(_flat(pattern.definition), title="definition"))
    if pattern.history:
        rows = [_day(was) for was in pattern.history[-DAYS_SHOWN:]]
        columns = ("day", "seen", "worked", "share", "version")
        console().print(table(columns, rows, title="history", numbers=columns[1:]))


def _changed(evidence: Evidence) -> str | None:
    if evidence.changed_at is None:
        return None
    return (
        f"noticed {evidence.changed_at}; before it worked in {share(evidence.before)}. "
        "The evidence above counts from the change on, and what was before weighs as a few runs."
    )


def _day(was: Snapshot) -> tuple[object, ...]:
    worked = share(was.successes / was.support if was.support else None)
    return was.day, was.support, was.successes, worked, was.version


def _show_pattern(pattern: PatternSummary) -> None:
    pairs: list[tuple[str, object]] = [
        ("pattern", text(pattern.id, "bold")),
        ("route", pattern.route),
        ("what it does", pattern.summary),
        ("exact triggers", pattern.exact),
        ("expressions", text("\n".join(pattern.regex))),
        ("executions", pattern.executions),
        ("examples", text("\n".join(pattern.examples))),
        ("steps", text("\n".join(pattern.steps))),
    ]
    console().print(facts(pairs))


def _flat(value: dict[str, Any]) -> list[tuple[str, object]]:
    return [(name, _lines(item)) for name, item in value.items()]


def _lines(value: Any) -> object:
    """Return a nested value one item to a line."""
    if isinstance(value, dict):
        return text("\n").join(text(f"{name}: {shown(item)}") for name, item in value.items())
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return text("\n").join(text(shown(item)) for item in value)
    return value
