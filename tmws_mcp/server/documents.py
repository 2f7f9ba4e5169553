"""What can be read without calling a tool, as tables: the URIs, and the engine's methods behind.

To add a resource, give the engine a method and one of the two tables a row. resources.py serves
them by the protocol, direct.py reads them without one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from tmws_mcp.engine import Engine

JSON = "application/json"
LEARNED_MAX = 200


@dataclass(frozen=True, slots=True)
class Document:
    """A row: what stands at a URI."""

    uri: str
    name: str
    description: str
    read: Callable[["Engine"], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Collection:
    """A row: one thing out of many, by its id."""

    uri: str
    name: str
    description: str
    read: Callable[["Engine", str], Awaitable[Any]]
    completes: str
    """What `Engine.complete` calls its ids."""


DOCUMENTS = (
    Document(
        "tmws://status",
        "status",
        "Health, tier and problems of this server, each with its remedy",
        lambda engine: engine.status(),
    ),
    Document(
        "tmws://stats",
        "stats",
        "How much is stored and learned",
        lambda engine: engine.statistics(),
    ),
    Document(
        "tmws://patterns",
        "patterns",
        "The authored patterns that pattern_execute can run",
        lambda engine: engine.patterns(),
    ),
    Document(
        "tmws://upstream",
        "upstream",
        "The other MCP servers whose tools patterns may call; reading it starts them",
        lambda engine: engine.upstream(),
    ),
    Document(
        "tmws://learned",
        "learned",
        f"The newest {LEARNED_MAX} learned patterns with their evidence",
        lambda engine: engine.learned({"limit": LEARNED_MAX}),
    ),
)

COLLECTIONS = (
    Collection(
        "tmws://memory/{id}",
        "memory",
        "One memory in full, with its links",
        lambda engine, name: engine.memory(name),
        "memory",
    ),
    Collection(
        "tmws://recall/{id}",
        "recall_explained",
        "Why a query (the id, percent-encoded) finds what it finds: what each signal adds",
        lambda engine, name: engine.explain_recall(unquote(name)),
        "query",
    ),
    Collection(
        "tmws://patterns/{id}",
        "pattern",
        "One authored pattern: its triggers, examples and steps",
        lambda engine, name: engine.pattern(name),
        "pattern",
    ),
    Collection(
        "tmws://learned/{id}",
        "learned_pattern",
        "One learned pattern with its evidence",
        lambda engine, name: engine.learned_pattern(name),
        "learned",
    ),
)
