"""The index of words: whatever is added, taken out or merged, it finds what a naive count finds."""

import random
from collections import Counter
from math import log
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tmws_mcp.memory.language.terms import KEY, number
from tmws_mcp.memory.language.words import stem
from tmws_mcp.memory.search import index, lexical
from tmws_mcp.memory.search.lexical import Words
from tmws_mcp.store import driver, memories, migrations, namespaces, segments, threads
from tmws_mcp.store.driver import Connection

NOW = 1_700_000_000.0
WORDS = ("port", "disk", "login", "cache", "queue", "TKT-00123")
TERMS = [number(stem(word)) for word in WORDS[:5]]


@pytest.fixture
def db(tmp_path: Path) -> Connection:
    return opened(tmp_path / "tmws.db")


def opened(path: Path) -> Connection:
    path.touch()
    connection = driver.connect(path)
    migrations.migrate(connection, path)
    return connection


def write(db: Connection, ns: int, *texts: str) -> list[int]:
    keys = [memories.insert(db, new(ns, text)) for text in texts]
    index.add(db, ns, threads.turns(db, keys))
    return keys


def new(ns: int, text: str) -> memories.NewMemory:
    return memories.NewMemory(
        uid=f"m{random.getrandbits(60):x}",
        ns=ns,
        thread=None,
        thread_position=None,
        kind="semantic",
        importance=0.5,
        persona=None,
        speaker=None,
        source=None,
        occurred_at=None,
        expires_at=None,
        created_at=NOW,
        asks=False,
        content_hash=random.randbytes(8),
        content=text,
    )


def merge(db: Connection, ns: int) -> None:
    while begun := index.begin_merge(db, ns):
        for part in range(index.SLICES):
            assert index.merge_slice(db, ns, *begun, part)
        assert index.end_merge(db, ns, *begun)


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "TAIL_MAX", 3)
    for module in (index, segments):
        monkeypatch.setattr(module, "MERGED", 2)


def naive(texts: dict[int, str]) -> dict[int, float]:
    """Score texts by BM25 as its formula stands in the textbook."""
    said = {key: Counter(text.split()) for key, text in texts.items()}
    average = sum(c.total() for c in said.values()) / len(said)
    scores: Counter[int] = Counter()
    for word in WORDS[:5]:
        held = sum(1 for c in said.values() if c[word])
        rarity = log(1 + (max(len(said), lexical.MEMORIES_TOLD_MIN) - held + 0.5) / (held + 0.5))
        for key, counts in said.items():
            longer = 1.2 * (0.25 + 0.75 * counts.total() / max(average, 1.0))
            scores[key] += rarity * counts[word] * 2.2 / (counts[word] + longer)
    return {key: score for key, score in scores.items() if score > 0}


def scored(db: Connection, ns: int) -> dict[int, float]:
    words = Words(db, ns, TERMS)
    found = words.scored({term: words.spread.rarity(term) for term in TERMS})
    return dict(zip(found.memories.tolist(), found.scores.tolist(), strict=True))


text = st.lists(st.sampled_from(WORDS[:5]), min_size=1, max_size=6).map(" ".join)
deed = st.one_of(
    st.lists(text, min_size=1, max_size=7), st.integers(0, 30), st.sampled_from(["merge", "again"])
)


@given(deeds=st.lists(deed, min_size=1, max_size=12))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_scores_are_those_of_a_naive_count(
    deeds: list, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    db = opened(tmp_path_factory.mktemp("index") / "tmws.db")
    ns, other = (namespaces.ensure(db, name, NOW) for name in ("a", "b"))
    held: dict[int, str] = {}
    for deed in deeds:
        match deed:
            case list():
                held |= dict(zip(write(db, ns, *deed), deed, strict=True))
                write(db, other, "port port port disk")
            case int() if held:
                gone = sorted(held)[deed % len(held)]
                index.remove(db, ns, [gone])
                del held[gone]
            case "again" if held:
                index.again(db, ns, [min(held)])
            case "merge":
                merge(db, ns)

    if held:
        assert scored(db, ns) == pytest.approx(naive(held), rel=1e-5)
    assert segments.totals(db, ns).memories == len(held)
    db.close()


def test_a_full_tail_becomes_a_segment_and_many_segments_become_one(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    ns = namespaces.ensure(db, "a", NOW)
    for i in range(13):
        write(db, ns, f"port number{i}")

    assert [(one.level, one.size) for one in segments.sizes(db, ns)] == [(0, 3)] * 4
    assert segments.totals(db, ns).tail == 1
    assert segments.crowded(db) == [ns]

    merge(db, ns)

    assert [(one.level, one.size) for one in segments.sizes(db, ns)] == [(2, 12)]
    assert segments.crowded(db) == []
    assert len(scored(db, ns)) == 13


def test_what_is_taken_out_leaves_no_word_in_any_table(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    ns = namespaces.ensure(db, "a", NOW)
    keys = write(db, ns, "the secret xyzzy TKT-00123", "port", "disk", "login")
    term, key = number("xyzzi"), number(KEY + "tkt-00123")
    assert len(segments.postings(db, ns, [term, key])) == 2

    index.remove(db, ns, [keys[0]])

    assert segments.postings(db, ns, [term, key]) == []
    assert db.rows("SELECT 1 FROM memory_search WHERE memory = ?", (keys[0],)) == []
    assert db.rows("SELECT 1 FROM fingerprint WHERE memory = ?", (keys[0],)) == []
    assert Words(db, ns, [term]).holders(term).size == 0


def test_a_merge_that_is_overtaken_by_an_erasing_is_given_up(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    ns = namespaces.ensure(db, "a", NOW)
    keys = write(db, ns, "port", "disk", "login") + write(db, ns, "cache", "queue", "port")
    begun = index.begin_merge(db, ns)
    assert begun is not None
    assert index.merge_slice(db, ns, *begun, 0)

    index.remove(db, ns, keys[:1])

    assert not index.merge_slice(db, ns, *begun, 1)
    assert not index.end_merge(db, ns, *begun)
    merge(db, ns)
    assert sorted(scored(db, ns)) == keys[1:]


def test_an_index_made_anew_finds_the_same(db: Connection) -> None:
    ns = namespaces.ensure(db, "a", NOW)
    write(db, ns, "port disk", "disk login", "queue")
    before = scored(db, ns)

    index.forward.index_anew(db, 7)
    assert scored(db, ns) == {}
    assert index.forward.backlog_size(db) == 3
    assert index.forward.rules(db) == 7
    while index.fill(db, 2):
        pass

    assert scored(db, ns) == before
    assert index.forward.backlog_size(db) == 0


def test_the_commonest_words_are_not_read_where_there_are_too_many(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "POSTINGS_MAX", 3)
    monkeypatch.setattr(index, "TAIL_MAX", 1)
    ns = namespaces.ensure(db, "a", NOW)
    write(db, ns, *["port"] * 5, "disk", "login disk")

    assert sorted(scored(db, ns)) == [6, 7]
