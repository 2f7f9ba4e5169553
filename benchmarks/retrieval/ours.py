"""tmws_mcp on the same turns: each a memory, each session a thread, each conversation a namespace.

Turns are stored in one go. Questions go through the engine, as a client's do; leaving signals out
ranks the same candidates once for each signal.
"""

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.retrieval.baselines import LISTED
from benchmarks.retrieval.conversations import Conversation
from tmws_mcp import Settings, open_engine
from tmws_mcp.embedding.embedder import Embedder, load_embedder
from tmws_mcp.engine.engine import Engine
from tmws_mcp.memory.remember import Told, remember_many
from tmws_mcp.memory.search.candidates import candidates
from tmws_mcp.memory.search.gather import gathered
from tmws_mcp.memory.search.ranking import SIGNALS, ranked
from tmws_mcp.memory.search.search import probe
from tmws_mcp.model import Scope, StoreRequest
from tmws_mcp.model.memory import TOKEN_BUDGET_MAX
from tmws_mcp.store import memories, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

ALL = "all signals"
NOW = 1.7e9
"""Dates of a question without a year are resolved against it, alike in each run."""


@dataclass(frozen=True)
class Ours:
    """A store that holds conversations, and what it takes to ask it."""

    engine: Engine
    store: Database
    embedder: Embedder | None
    turns_of: dict[str, list[str]]
    """A memory's id -> its turns: the same words twice are one memory."""

    async def fill(self, conversation: Conversation) -> None:
        """Store a conversation."""
        scope = Scope(namespace=conversation.id, source="argument")
        told = [(request, Told(now=NOW)) for request in _requests(conversation)]
        replies = await self.store.write(remember_many, told, scope, embedder=self.embedder)
        for turn, reply in zip(conversation.turns, replies, strict=True):
            self.turns_of.setdefault(reply.id, []).append(turn.id)

    async def search(self, conversation: str, question: str) -> tuple[list[str], float]:
        """Return turns, best first, and the milliseconds of a call with the usual limit."""
        asked = {"query": question, "namespace": conversation}
        began = time.perf_counter()
        await self.engine.recall_memory(asked)
        ms = 1000 * (time.perf_counter() - began)
        turns, _ = await self.within(conversation, question, TOKEN_BUDGET_MAX)
        return turns, ms

    async def best(self, conversation: str, question: str) -> float:
        """Return the score of the best answer; 0 where the answer is empty."""
        asked = {"query": question, "namespace": conversation, "limit": 1}
        reply = await self.engine.recall_memory(asked)
        return (reply.memories[0].score or 0.0) if reply.memories else 0.0

    async def within(self, conversation: str, question: str, budget: int) -> tuple[list[str], int]:
        """Return the turns that a reply of so many tokens shows, and the tokens that it took."""
        asked = {"query": question, "namespace": conversation, "limit": LISTED}
        reply = await self.engine.recall_memory(asked | {"token_budget": budget})
        return self._turns(memory.id for memory in reply.memories), reply.tokens

    async def without_each(self, conversation: str, question: str) -> dict[str, list[str]]:
        """Return the order of the turns by all signals, and for each signal that by the others."""
        orders = await self.store.read(_orders, question, conversation, self.embedder)
        return {name: self._turns(uids) for name, uids in orders.items()}

    def _turns(self, uids: Iterable[str]) -> list[str]:
        return [turn for uid in uids for turn in self.turns_of[uid]]


@asynccontextmanager
async def opened(home: Path, embedder: str) -> AsyncIterator[Ours]:
    """Open an empty store with the embedder of that name."""
    settings = Settings.load({"TMWS_HOME": str(home), "TMWS_EMBEDDER": embedder})
    vectors = None if embedder == "none" else load_embedder(embedder)
    async with Database(settings.db) as store, open_engine(settings) as engine:
        yield Ours(engine, store, vectors, {})


def _requests(conversation: Conversation) -> list[StoreRequest]:
    return [
        StoreRequest(
            content=turn.text,
            kind="episodic",
            thread=f"S{turn.session}",
            speaker=turn.speaker,
            occurred_at=turn.said_at,
        )
        for turn in conversation.turns
    ]


def _orders(
    db: Connection, question: str, namespace: str, embedder: Embedder | None
) -> Mapping[str, Sequence[str]]:
    ns = namespaces.find(db, namespace)
    assert ns is not None
    asked, chosen = probe(db, question, embedder, NOW), Filter(now=NOW)
    found = candidates(db, ns, asked, chosen)
    if not found.memories:
        return dict.fromkeys([ALL, *SIGNALS], ())
    columns = gathered(db, ns, asked, found, chosen)
    keys = columns[1].ids[: columns[1].candidates].tolist()
    uids = [record.uid for record in memories.records(db, keys)]
    tables = {ALL: SIGNALS} | {
        left_out: {name: signal for name, signal in SIGNALS.items() if name != left_out}
        for left_out in SIGNALS
    }
    return {
        name: [uids[row] for row in ranked(*columns, table).order.tolist()][:LISTED]
        for name, table in tables.items()
    }
