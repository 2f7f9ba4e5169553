"""Schema 1: namespaces, memories, and what is learned."""

import secrets

from tmws_mcp.store.driver import Connection

APPLICATION_ID = 0x746D7773  # "tmws": tells our file from another program's

CORE_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lease(
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE namespace(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at REAL NOT NULL
) STRICT;
-- Moved by each write: what a process has cached under an older number is stale.
CREATE TABLE generation(
    ns INTEGER NOT NULL, area TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(ns, area)
) STRICT, WITHOUT ROWID;
"""

MEMORY_TABLES = """
CREATE TABLE thread(
    id INTEGER PRIMARY KEY,
    ns INTEGER NOT NULL REFERENCES namespace(id),
    name TEXT NOT NULL,
    length INTEGER NOT NULL DEFAULT 0,
    UNIQUE(ns, name)
) STRICT;
-- AUTOINCREMENT: a key is never used again, so that nothing left of an erased memory in an index
-- can be taken for a new one. The content comes last: what stands before it is read without it.
CREATE TABLE memory(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    ns INTEGER NOT NULL REFERENCES namespace(id),
    thread INTEGER REFERENCES thread(id),
    thread_position INTEGER,
    kind TEXT NOT NULL,
    importance REAL NOT NULL,
    persona TEXT COLLATE NOCASE,
    speaker TEXT COLLATE NOCASE,
    source TEXT,
    occurred_at REAL,
    expires_at REAL,
    created_at REAL NOT NULL,
    forgotten_at REAL,
    superseded_by INTEGER REFERENCES memory(id) ON DELETE SET NULL,
    embedder TEXT,
    asks INTEGER NOT NULL,
    chars INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE INDEX memory_same ON memory(ns, content_hash)
    WHERE forgotten_at IS NULL AND superseded_by IS NULL;
CREATE INDEX memory_newest ON memory(ns, created_at, id)
    WHERE forgotten_at IS NULL AND superseded_by IS NULL;
CREATE UNIQUE INDEX memory_in_thread ON memory(thread, thread_position) WHERE thread IS NOT NULL;
CREATE INDEX memory_forgotten ON memory(forgotten_at) WHERE forgotten_at IS NOT NULL;
CREATE INDEX memory_expiring ON memory(ns, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX memory_older ON memory(superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX memory_embedded ON memory(embedder, id)
    WHERE forgotten_at IS NULL AND superseded_by IS NULL;
-- Left by a process without sqlite-vec, which could not delete their vectors.
CREATE INDEX memory_stale ON memory(id)
    WHERE embedder IS NOT NULL AND (forgotten_at IS NOT NULL OR superseded_by IS NOT NULL);
CREATE TABLE memory_tag(
    ns INTEGER NOT NULL,
    tag TEXT NOT NULL COLLATE NOCASE,
    memory INTEGER NOT NULL REFERENCES memory(id) ON DELETE CASCADE,
    PRIMARY KEY(ns, tag, memory)
) STRICT, WITHOUT ROWID;
CREATE INDEX memory_tags ON memory_tag(memory);
CREATE TABLE memory_similar(
    memory INTEGER NOT NULL REFERENCES memory(id) ON DELETE CASCADE,
    other INTEGER NOT NULL REFERENCES memory(id) ON DELETE CASCADE,
    similarity REAL NOT NULL,
    PRIMARY KEY(memory, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX memory_similar_other ON memory_similar(other);
-- Which namespaces have a full-text index, and by which rules its text was divided.
CREATE TABLE lexical_index(ns INTEGER PRIMARY KEY, version INTEGER NOT NULL) STRICT;
-- One table of vectors for each embedder: their dimensions and meanings differ.
CREATE TABLE vector_space(
    id INTEGER PRIMARY KEY AUTOINCREMENT, embedder TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL
) STRICT;
"""

# Counts are slots: a row belongs to one actor, who alone writes it and raises `seq` with each
# change, so that merging them with those of other instances is "the greater (gen, seq) wins".
# All that is counted is an integer: sums of floats would depend on the order of arrival.
LEARNING_TABLES = """
CREATE TABLE task(
    id INTEGER PRIMARY KEY,
    ns INTEGER NOT NULL REFERENCES namespace(id),
    hash TEXT NOT NULL,
    text TEXT NOT NULL,
    last_at REAL NOT NULL,
    UNIQUE(ns, hash)
) STRICT;
CREATE INDEX task_oldest ON task(ns, last_at);
-- Which tasks a word stands in, and in how many; the word '' stands in all of them.
CREATE TABLE task_word(
    ns INTEGER NOT NULL,
    word TEXT NOT NULL,
    task INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    PRIMARY KEY(ns, word, task)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_words ON task_word(task);
CREATE TABLE word(
    ns INTEGER NOT NULL, word TEXT NOT NULL, tasks INTEGER NOT NULL, PRIMARY KEY(ns, word)
) STRICT, WITHOUT ROWID;
-- A session has one row for ever; what lies between two of its ends is a run.
CREATE TABLE session(
    id INTEGER PRIMARY KEY,
    ns INTEGER NOT NULL REFERENCES namespace(id),
    name TEXT NOT NULL,
    connection TEXT,
    task INTEGER REFERENCES task(id) ON DELETE SET NULL,
    near TEXT NOT NULL DEFAULT '[]',
    run INTEGER NOT NULL DEFAULT 0,
    steps INTEGER NOT NULL DEFAULT 0,
    opened_at REAL NOT NULL,
    last_at REAL NOT NULL,
    ended_at REAL,
    outcome TEXT,
    UNIQUE(ns, name)
) STRICT;
CREATE INDEX session_idle ON session(last_at) WHERE ended_at IS NULL;
CREATE INDEX session_connection ON session(connection) WHERE connection IS NOT NULL;
CREATE INDEX session_task ON session(task);
CREATE INDEX session_newest ON session(ns, last_at);
-- The newest steps of a namespace, a ring: `ordinal` counts on for ever.
CREATE TABLE step(
    id INTEGER PRIMARY KEY,
    ns INTEGER NOT NULL REFERENCES namespace(id),
    ordinal INTEGER NOT NULL,
    session INTEGER NOT NULL REFERENCES session(id) ON DELETE CASCADE,
    run INTEGER NOT NULL,
    number INTEGER,
    position INTEGER NOT NULL,
    counted INTEGER NOT NULL DEFAULT 0,
    tool TEXT NOT NULL,
    ok INTEGER NOT NULL,
    error_template TEXT,
    error_class TEXT,
    recovery TEXT,
    method TEXT,
    seconds REAL,
    tokens INTEGER,
    arguments TEXT,
    evidence TEXT,
    at REAL NOT NULL,
    UNIQUE(ns, ordinal)
) STRICT;
CREATE UNIQUE INDEX step_once ON step(session, number) WHERE number IS NOT NULL;
CREATE INDEX step_in_run ON step(session, run, position, id);
CREATE INDEX step_waiting ON step(session, run, position) WHERE counted = 0;
CREATE TABLE run(
    session INTEGER NOT NULL,
    number INTEGER NOT NULL,
    task INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
    steps TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY(session, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_of_task ON run(task, at);
-- How often `action` followed a context, and how much each expert foresaw of what happened.
CREATE TABLE context(
    ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    gen INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY(ns, kind, key, action, actor)
) STRICT, WITHOUT ROWID;
CREATE INDEX context_seq ON context(actor, seq);
-- How well an action went: a tool, a tool on a task, a repair, a sequence, a variant.
CREATE TABLE outcome(
    ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    gen INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    tokens INTEGER NOT NULL DEFAULT 0,
    metered INTEGER NOT NULL DEFAULT 0,
    durations TEXT NOT NULL DEFAULT '{}',
    last_at REAL NOT NULL,
    PRIMARY KEY(ns, kind, key, action, actor)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcome_seq ON outcome(actor, seq);
-- The readable objects behind the counts.
CREATE TABLE learned(
    ns INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    definition TEXT NOT NULL,
    first_at REAL NOT NULL,
    last_at REAL NOT NULL,
    PRIMARY KEY(ns, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX learned_newest ON learned(ns, last_at);
"""


def apply(db: Connection) -> None:
    """Make all tables of a new store."""
    for tables in (CORE_TABLES, MEMORY_TABLES, LEARNING_TABLES):
        db.script(tables)
    db.rows(f"PRAGMA application_id = {APPLICATION_ID}")
    db.run("INSERT INTO meta VALUES ('actor', ?)", (secrets.token_hex(8),))
    db.run("INSERT INTO meta VALUES ('seq', '0')")
