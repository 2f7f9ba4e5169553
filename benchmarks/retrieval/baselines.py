"""What others do, on the same turns: full text, a fusion of ranks, and grep."""

import re
import sqlite3
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.retrieval.conversations import Conversation
from tmws_mcp.embedding.embedder import load_embedder
from tmws_mcp.memory.language.words import STOP_WORDS

Search = Callable[[str], Sequence[str]]
"""A question -> the ids of turns, best first."""

LISTED = 200
RRF_K = 60  # Cormack et al., 2009; what everybody takes


def full_text(conversation: Conversation) -> Search:
    """BM25 by SQLite's FTS5 with Porter's stemmer, stop words left out, the rest OR-ed."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE turn USING fts5(id UNINDEXED, said, tokenize='porter')")
    rows = ((turn.id, f"{turn.speaker}: {turn.text}") for turn in conversation.turns)
    db.executemany("INSERT INTO turn VALUES (?, ?)", rows)
    sql = "SELECT id FROM turn WHERE turn MATCH ? ORDER BY bm25(turn) LIMIT ?"

    def search(question: str) -> list[str]:
        terms = " OR ".join(f'"{word}"' for word in _words(question))
        return [row[0] for row in db.execute(sql, (terms, LISTED))] if terms else []

    return search


def fusion(conversation: Conversation) -> Search:
    """Reciprocal rank fusion of full text and the nearest vectors of our static embedder."""
    words, embedder = full_text(conversation), load_embedder("static")
    assert embedder is not None
    ids = [turn.id for turn in conversation.turns]
    rows = embedder.encode([f"{turn.speaker}: {turn.text}" for turn in conversation.turns])

    def search(question: str) -> list[str]:
        near = np.argsort(-(rows @ embedder.encode([question])[0]), kind="stable")[:LISTED]
        score: dict[str, float] = {}
        for ranking in (words(question), [ids[row] for row in near]):
            for place, turn in enumerate(ranking, 1):
                score[turn] = score.get(turn, 0.0) + 1 / (RRF_K + place)
        return sorted(score, key=lambda turn: -score[turn])[:LISTED]

    return search


def grep(conversation: Conversation) -> Search:
    """Share of the question's words that a turn has as substrings; the newest first."""
    newest = [(turn.id, f"{turn.speaker}: {turn.text}".lower()) for turn in conversation.turns]
    newest.reverse()

    def search(question: str) -> list[str]:
        words = _words(question)
        held = {turn: sum(word in text for word in words) for turn, text in newest}
        return sorted((turn for turn in held if held[turn]), key=lambda turn: -held[turn])[:LISTED]

    return search


def _words(question: str) -> list[str]:
    words = dict.fromkeys(re.findall(r"\w+", question.lower()))
    return [word for word in words if word not in STOP_WORDS]
