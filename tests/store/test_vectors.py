"""Vectors: what is stored, and what is found."""

import numpy as np
import pytest

from tmws_mcp.memory.search.meaning import quantised
from tmws_mcp.store import memories, namespaces, vectors
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.selection import Filter

pytestmark = pytest.mark.anyio

NOW = 1_700_000_000.0
DIMENSIONS = 64


def unit_rows(n: int, seed: int = 1) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, DIMENSIONS)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def new(ns: int, i: int, *, persona: str | None = None) -> memories.NewMemory:
    return memories.NewMemory(
        uid=f"m{ns}-{i}", ns=ns, thread=None, thread_position=None, kind="semantic",
        importance=0.5, persona=persona, speaker=None, source=None, occurred_at=None,
        expires_at=None, created_at=NOW, asks=False, content_hash=b"%d" % i, content=f"text {i}",
    )  # fmt: skip


def fill(db: Connection, rows: np.ndarray, name: str = "a") -> tuple[int, int]:
    ns = namespaces.ensure(db, name, NOW)
    space = vectors.ensure_space(db, "test-1", DIMENSIONS)
    keys = [
        memories.insert(db, new(ns, i, persona="odd" if i % 2 else "even"))
        for i in range(len(rows))
    ]
    vectors.put(db, space, ns, list(zip(keys, quantised(rows), strict=True)))
    vectors.mark(db, keys, "test-1")
    return ns, space


async def test_eight_bits_find_what_exact_vectors_find(store: Database) -> None:
    rows = unit_rows(300)
    query = unit_rows(1, seed=2)
    ns, space = await store.write(fill, rows)

    found = await store.read(vectors.nearest, space, ns, quantised(query)[0], Filter(now=NOW), 10)

    cosines = rows @ query[0]
    best = np.argsort(-cosines)[:10]
    assert len({key - 1 for key, _ in found} & set(best.tolist())) >= 9
    assert [cosine for _, cosine in found] == pytest.approx(
        [cosines[key - 1] for key, _ in found], abs=0.01
    )


async def test_a_filter_narrows_before_the_limit(store: Database) -> None:
    rows = unit_rows(60)
    ns, space = await store.write(fill, rows)

    found = await store.read(
        vectors.nearest, space, ns, quantised(rows[:1])[0], Filter(now=NOW, persona="odd"), 30
    )

    assert {key for key, _ in found} == set(range(2, 61, 2))


async def test_another_namespace_is_not_searched(store: Database) -> None:
    rows = unit_rows(5)
    await store.write(fill, rows)
    ns, space = await store.write(fill, rows, "b")

    found = await store.read(
        vectors.nearest, space, ns, quantised(rows[:1])[0], Filter(now=NOW), 30
    )

    assert {key for key, _ in found} == set(range(6, 11))


async def test_a_vector_is_replaced(store: Database) -> None:
    rows = unit_rows(3)
    ns, space = await store.write(fill, rows)
    packed = quantised(rows)

    await store.write(vectors.put, space, ns, [(1, packed[2])])

    found = await store.read(vectors.nearest, space, ns, packed[2], Filter(now=NOW), 3)
    assert {memory for memory, cosine in found if cosine > 0.999} == {1, 3}


async def test_other_dimensions_under_the_same_name_begin_anew(store: Database) -> None:
    ns, space = await store.write(fill, unit_rows(3))

    wider = await store.write(vectors.ensure_space, "test-1", 2 * DIMENSIONS)

    assert wider != space
    assert await store.read(vectors.space, "test-1", DIMENSIONS) is None
    assert await store.read(vectors.missing, "test-1", 10) == [1, 2, 3]
    assert ns


def test_rows_that_are_no_direction_have_no_vector() -> None:
    rows = np.array([[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], [0.5, -1.0]], dtype=np.float32)

    assert quantised(rows) == [b"", b"", b"", np.array([64, -127], dtype=np.int8).tobytes()]
