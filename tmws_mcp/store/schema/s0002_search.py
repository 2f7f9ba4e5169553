"""Schema 2: each memory is indexed by itself, in segments of our own instead of full-text tables.

Schema 1 had a full-text table for each namespace, with every memory's neighbours in its row. Those
tables go; memories without a row in `memory_search` are indexed in the background, in slices.
"""

from tmws_mcp.store.driver import Connection

TABLES = """
-- What search reads of a memory; its neighbours are joined when it is read. All numbers are
-- little-endian: terms u32 in ascending order, with a u8 count each; pieces u16; vectors i8.
CREATE TABLE memory_search(
    memory INTEGER PRIMARY KEY REFERENCES memory(id) ON DELETE CASCADE,
    ns INTEGER NOT NULL,
    tail INTEGER,
    traits INTEGER NOT NULL,
    length INTEGER NOT NULL,
    terms BLOB NOT NULL,
    counts BLOB NOT NULL,
    pieces BLOB NOT NULL
) STRICT;
-- Of each embedder: while one takes over from another, each has its own.
CREATE TABLE memory_vector(
    memory INTEGER NOT NULL REFERENCES memory(id) ON DELETE CASCADE,
    space INTEGER NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY(memory, space)
) STRICT, WITHOUT ROWID;
-- Those that are in no segment yet.
CREATE INDEX memory_search_tail ON memory_search(ns, memory) WHERE tail = 1;
CREATE TABLE search_index(
    ns INTEGER PRIMARY KEY,
    memories INTEGER NOT NULL DEFAULT 0,
    words INTEGER NOT NULL DEFAULT 0,
    tail INTEGER NOT NULL DEFAULT 0
) STRICT;
-- At most one row: memories whose key is above `next` and at most `last` wait for being indexed.
CREATE TABLE search_backlog(next INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
-- An immutable part of a namespace's index; a memory's place is its number within it. 0 in
-- `memories` (i64) marks one that was erased.
CREATE TABLE segment(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ns INTEGER NOT NULL,
    level INTEGER NOT NULL,
    size INTEGER NOT NULL,
    memories BLOB NOT NULL,
    lengths BLOB NOT NULL,
    threads BLOB NOT NULL
) STRICT;
CREATE INDEX segment_of ON segment(ns, level);
CREATE TABLE posting(
    segment INTEGER NOT NULL,
    term INTEGER NOT NULL,
    places BLOB NOT NULL,
    counts BLOB NOT NULL,
    PRIMARY KEY(segment, term)
) STRICT, WITHOUT ROWID;
-- Memories that share a band of their fingerprints say much the same (memory/upkeep/near.py).
CREATE TABLE fingerprint(
    ns INTEGER NOT NULL,
    band INTEGER NOT NULL,
    memory INTEGER NOT NULL,
    PRIMARY KEY(ns, band, memory)
) STRICT, WITHOUT ROWID;
-- One bit for each turned dimension of a vector: what is near is found by counting bits.
CREATE TABLE sketch(
    space INTEGER NOT NULL,
    ns INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    memories BLOB NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY(space, ns, chunk)
) STRICT, WITHOUT ROWID;
"""


def apply(db: Connection) -> None:
    """Make the tables of the search index, and drop those that it replaces."""
    for (ns,) in db.rows("SELECT ns FROM lexical_index"):
        db.rows(f"DROP TABLE memory_words_{int(ns)}")
    db.rows("DROP TABLE lexical_index")
    db.script(TABLES)
    db.run("INSERT INTO search_backlog SELECT 0, max(id) FROM memory HAVING max(id) IS NOT NULL")
    db.run("INSERT INTO meta VALUES ('terms', '2')")  # memory/language/terms.py, VERSION
    # Their vectors had the turn before them mixed in: all are made again.
    db.run("UPDATE memory SET embedder = '' WHERE embedder IS NOT NULL")
