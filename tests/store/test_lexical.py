"""The full-text index: what it holds, and how namespaces are kept apart."""

import pytest

from tests.store.test_vectors import NOW, new
from tmws_mcp.store import lexical, memories, namespaces
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.lexical import Entry
from tmws_mcp.store.selection import Filter

pytestmark = pytest.mark.anyio

EVERYTHING = Filter(now=NOW)


def entry(own: str, **columns: str) -> Entry:
    empty = dict.fromkeys(("previous", "next", "wide", "day", "identifiers"), "")
    return Entry(**{"own": own} | empty | columns)


def fill(db: Connection, name: str, *entries: Entry) -> int:
    ns = namespaces.ensure(db, name, NOW)
    lexical.ensure(db, ns)
    keys = [memories.insert(db, new(ns, i)) for i in range(len(entries))]
    lexical.put(db, ns, list(zip(keys, entries, strict=True)))
    return ns


async def test_making_an_index_twice_changes_nothing(store: Database) -> None:
    ns = await store.write(fill, "a", entry("port"))

    await store.write(lexical.ensure, ns)

    assert await store.read(lexical.search, ns, '"port"', EVERYTHING, 5) != []


async def test_own_words_weigh_more_than_those_around(store: Database) -> None:
    ns = await store.write(
        fill,
        "a",
        entry("x", wide="port"),
        entry("x", previous="port"),
        entry("port"),
        entry("x", next="port"),
        *[entry("filler")] * 20,
    )

    found = await store.read(lexical.search, ns, '"port"', EVERYTHING, 5)

    assert [key for key, _ in found] == [3, 2, 4, 1]


async def test_statistics_are_those_of_the_namespace_alone(store: Database) -> None:
    ns = await store.write(fill, "a", entry("port disk"), entry("disk"), entry("login"))
    before = await store.read(lexical.search, ns, '"port" OR "disk"', EVERYTHING, 5)

    await store.write(fill, "b", *[entry("port")] * 50)

    assert await store.read(lexical.search, ns, '"port" OR "disk"', EVERYTHING, 5) == before
    assert await store.read(lexical.spread, ns, ['"port"', '"disk"', '"none"']) == [1, 2, 0]


async def test_identifiers_are_found_by_themselves_alone(store: Database) -> None:
    ns = await store.write(fill, "a", entry("12345"), entry("x", identifiers="12345"))

    assert await store.read(lexical.holders, ns, '"12345"', EVERYTHING, 5) == [2]
    assert [key for key, _ in await store.read(lexical.search, ns, '"12345"', EVERYTHING, 5)] == [1]


async def test_what_is_replaced_or_removed_is_found_no_more(store: Database) -> None:
    ns = await store.write(fill, "a", entry("port"), entry("disk"))

    await store.write(lexical.put, ns, [(1, entry("login"))])
    await store.write(lexical.remove, ns, [2])

    assert await store.read(lexical.search, ns, '"port" OR "disk"', EVERYTHING, 5) == []
    assert len(await store.read(lexical.search, ns, '"login"', EVERYTHING, 5)) == 1
