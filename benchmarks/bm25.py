"""The baseline of the benchmarks of recall: one FTS5 table, its own BM25, and nothing else.

A query's words without the stop words are OR-ed, which is the better way to use BM25: as many
words of a question as are of no use would otherwise decide among its notes.
"""

import re
import sqlite3
from collections.abc import Iterable

from tmws_mcp.memory.language.words import STOP_WORDS

TOKENIZER = "porter unicode61 remove_diacritics 2"


class PlainIndex:
    """Texts by their numbers, found by words alone."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute(f"CREATE VIRTUAL TABLE note USING fts5(content, tokenize='{TOKENIZER}')")
        self._db.executemany(
            "INSERT INTO note(rowid, content) VALUES (?, ?)", enumerate(texts, start=1)
        )

    def search(self, query: str, limit: int) -> list[int]:
        """Return the numbers of the best texts, counted from 0, best first."""
        expression = " OR ".join(f'"{word}"' for word in telling(query))
        sql = "SELECT rowid FROM note WHERE note MATCH ? ORDER BY bm25(note), rowid LIMIT ?"
        found = self._db.execute(sql, (expression, limit)) if expression else ()
        return [row[0] - 1 for row in found]

    def close(self) -> None:
        """Free the texts."""
        self._db.close()


def telling(text: str) -> list[str]:
    """Return the words of a text that say something, each once."""
    words = dict.fromkeys(re.findall(r"[^\W_]+", text.lower()))
    return [word for word in words if word not in STOP_WORDS]


def stems(texts: Iterable[str]) -> list[frozenset[str]]:
    """Return the words of each text that say something, as the index's stemmer leaves them."""
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE VIRTUAL TABLE note USING fts5(content, tokenize='{TOKENIZER}')")
    db.execute("CREATE VIRTUAL TABLE place USING fts5vocab(note, instance)")
    said = [" ".join(telling(text)) for text in texts]
    db.executemany("INSERT INTO note(rowid, content) VALUES (?, ?)", enumerate(said))
    found: list[set[str]] = [set() for _ in said]
    for number, stem in db.execute("SELECT doc, term FROM place"):
        found[number].add(stem)
    db.close()
    return [frozenset(one) for one in found]
