"""Sketches find what is near, for a fraction of the bytes."""

import numpy as np
import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.memory.search import candidates, sketch
from tmws_mcp.store import sketches

DIMENSIONS = 256


def clouds(count: int) -> np.ndarray:
    """Return unit rows around fifty centres, as texts about fifty things would lie."""
    draw = np.random.default_rng(1)
    centres = draw.normal(size=(50, DIMENSIONS))
    rows = centres[draw.integers(0, 50, count)] + 0.9 * draw.normal(size=(count, DIMENSIONS))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_nearly_all_of_the_nearest_are_among_those_that_are_measured() -> None:
    rows, queries = np.split(clouds(20_020), [20_000])
    bits = sketch.sketches(rows)

    assert bits.shape == (20_000, DIMENSIONS // 8)
    found = []
    for query in queries:
        best = np.argsort(-(rows @ query))[: candidates.BY_MEANING_MAX]
        close = sketch.nearest(bits, query, candidates.MEASURED_MAX)
        found.append(np.isin(best, close).mean())
    assert np.mean(found) >= 0.97


@pytest.mark.parametrize("dimensions", [8, 64, 384, 1000])
def test_any_number_of_dimensions_can_be_sketched(dimensions: int) -> None:
    rows = np.random.default_rng(3).normal(size=(50, dimensions)).astype(np.float32)

    close = sketch.nearest(sketch.sketches(rows), rows[7], 5)

    assert 7 in close


@pytest.mark.anyio
async def test_chunks_fill_up_one_after_the_other_and_what_is_erased_is_blotted_out(
    notes: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sketches, "CHUNK_MAX", 2)
    rows = [(key.to_bytes(8, "little"), bytes([key] * 4)) for key in range(1, 6)]
    for begin in range(0, 5, 3):
        await notes.store.write(sketches.append, 1, 1, rows[begin : begin + 3])

    await notes.store.write(sketches.erase, 1, 1, [rows[2][0]])

    keys, bits = await notes.store.read(sketches.of_namespace, 1, 1)
    assert list(np.frombuffer(keys, "<i8")) == [1, 2, 0, 4, 5]
    assert bits == b"".join(row if key != rows[2][0] else bytes(4) for key, row in rows)
    assert await notes.rows("SELECT count(*) FROM sketch") == [(3,)]


@pytest.mark.anyio
async def test_a_large_namespace_is_searched_by_sketches_and_finds_the_same(
    notes: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = ["The wedding is in Lisbon.", "We bought a red bicycle.", "The disk is full again."]
    for fact in facts:
        await notes.remember(fact)
    exact = await notes.found("marriage ceremony in Portugal")

    monkeypatch.setattr(candidates, "SKETCHED_FROM", 1)

    assert exact[0] == facts[0]
    assert await notes.found("marriage ceremony in Portugal") == exact
    assert await notes.found("marriage ceremony in Portugal", tags=["none"]) == []


@pytest.mark.anyio
async def test_nothing_to_sketch_leaves_no_chunk(notes: Notebook) -> None:
    await notes.store.write(sketches.append, 1, 1, [])

    assert await notes.rows("SELECT count(*) FROM sketch") == [(0,)]
