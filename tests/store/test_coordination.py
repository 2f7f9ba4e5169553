"""Namespaces, the actor and leases: what several processes share."""

import pytest

from tmws_mcp.errors import StoreError
from tmws_mcp.store import actor, lease, namespaces
from tmws_mcp.store.database import Database

pytestmark = pytest.mark.anyio


async def test_a_namespace_is_made_once(store: Database) -> None:
    first = await store.write(namespaces.ensure, "notes", 1.0)
    again = await store.write(namespaces.ensure, "notes", 2.0)

    assert first == again == await store.read(namespaces.find, "notes")
    assert await store.read(namespaces.find, "other") is None


async def test_the_number_of_namespaces_is_bounded(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "NAMESPACES_MAX", 1)
    await store.write(namespaces.ensure, "notes", 1.0)

    with pytest.raises(StoreError, match="Store into one that exists"):
        await store.write(namespaces.ensure, "more", 1.0)


async def test_a_generation_moves_for_its_area_alone(store: Database) -> None:
    ns = await store.write(namespaces.ensure, "notes", 1.0)
    await store.write(namespaces.touch, ns, "memory")
    await store.write(namespaces.touch, ns, "memory")

    assert await store.read(namespaces.generation, ns, "memory") == 2
    assert await store.read(namespaces.generation, ns, "learning") == 0


async def test_no_sequence_number_is_given_twice(store: Database) -> None:
    numbers = [await store.write(actor.next_seqs, n) for n in (1, 3, 0, 2)]

    assert [number for some in numbers for number in some] == [1, 2, 3, 4, 5, 6]


async def test_a_lease_has_one_owner_until_it_lapses(store: Database) -> None:
    assert await store.write(lease.acquire, "work", "a", 100.0)
    assert not await store.write(lease.acquire, "work", "b", 101.0)
    assert await store.write(lease.acquire, "work", "a", 110.0)
    assert await store.write(lease.acquire, "work", "b", 110.0 + lease.LEASE_SECONDS)


async def test_a_released_lease_is_free_and_only_its_owner_releases_it(store: Database) -> None:
    await store.write(lease.acquire, "work", "a", 100.0)
    await store.write(lease.release, "work", "b")
    assert not await store.write(lease.acquire, "work", "b", 101.0)

    await store.write(lease.release, "work", "a")
    assert await store.write(lease.acquire, "work", "b", 102.0)
