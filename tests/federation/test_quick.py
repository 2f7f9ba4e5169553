"""The quick way: one call of the hub for what is counted, and what it leaves to a tick."""

import pytest

from tests.federation import world
from tests.federation.world import Node, agree, changed
from tmws_mcp.federation.hub import HubAway, Opened, Page
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.store import slots as table


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(read_max=3, page_slots=3)


@pytest.fixture
def pair(hub: MemoryHub) -> tuple[Node, Node]:
    a, b = world.node(1, hub), world.node(2, hub)
    for one in (a, b):
        world.run(one.replicator.tick())
    return a, b


def shared(one: Node) -> bool:
    """Share by the quick way, and tell whether it went."""
    return world.result(one.quick.share())


def test_what_is_counted_goes_without_asking_the_hub_first(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair

    async def unasked() -> Opened:
        raise HubAway("was asked")

    for one in pair:
        one.replicator.hub = changed(hub, open=unasked)
    a.count("x", good=1)
    assert shared(a)
    a.count("x", good=2)
    a.count("y", bad=1)
    assert shared(a)
    world.run(world.listen(b.quick))
    assert agree(a, b)
    assert b.totals() == {"x": (3, 0), "y": (0, 1)}


def test_what_one_shared_itself_is_no_news_to_it(pair: tuple[Node, Node]) -> None:
    a, b = pair
    a.count("x", good=1)
    assert shared(a)
    assert not world.result(a.quick.hear(0)).news
    b.count("x", good=1)
    assert shared(b)
    assert len(world.result(a.quick.hear(0)).news) == 1


def test_a_hub_that_was_emptied_is_left_to_the_tick(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    assert shared(a)
    hub.wipe()
    a.count("x", good=1)
    assert not shared(a)
    world.settle(a, b, rounds=2, digests=False)
    assert b.totals() == {"x": (2, 0)}
    a.count("x", good=1)
    assert shared(a)


def test_a_hub_that_was_rolled_back_is_left_to_the_tick(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    assert shared(a)
    before = hub.snapshot()
    a.count("x", good=1)
    assert shared(a)
    hub.roll_back(before)
    a.count("x", good=1)
    assert not shared(a)
    world.settle(a, b, rounds=2, digests=False)
    assert b.totals() == {"x": (3, 0)}


def test_a_push_without_an_answer_is_left_to_the_tick(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    push = hub.push

    async def unanswered(*args) -> None:
        await push(*args)
        raise HubAway("answer lost")

    a.count("x", good=1)
    a.replicator.hub = changed(hub, push=unanswered)
    with pytest.raises(HubAway):
        shared(a)
    a.replicator.hub = hub
    a.count("x", good=1)
    assert not shared(a)
    world.settle(a, b, rounds=1, digests=False)
    assert agree(a, b)
    assert b.totals() == {"x": (2, 0)}


def test_what_was_heard_and_not_taken_is_read_again_from_the_log(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair

    async def paged(*_: object) -> Page:
        raise HubAway("asked for all that it has")

    b.replicator.hub = changed(hub, page=paged)
    a.count("x", good=1)
    assert shared(a)
    world.result(b.quick.hear(0))  # and dies before it is taken
    a.count("y", good=1)
    assert shared(a)
    world.run(world.listen(b.quick))
    world.settle(b, rounds=1, digests=False)
    assert b.totals() == {"x": (1, 0), "y": (1, 0)}


def test_what_a_tick_has_read_of_what_is_heard_holds_the_place_in_the_log_up_no_longer(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    assert shared(a)
    world.run(world.listen(b.quick))
    a.count("x", good=1)
    assert shared(a)
    world.run(b.replicator.tick())
    a.count("x", good=1)
    assert shared(a)
    world.run(world.listen(b.quick))
    assert table.link(b.store.db, world.NS).cursor == b.quick.cursor
    assert not read_again(b, hub)


def read_again(one: Node, hub: MemoryHub) -> object:
    """Return what a tick would read again."""
    return world.result(hub.read(table.link(one.store.db, world.NS).cursor)).entries


def twin_of(one: Node, hub: MemoryHub) -> Node:
    """A store that was copied from another one while both had nothing to say."""
    twin = world.node(3, hub)
    twin.be_a_copy_of(one)
    world.run(twin.replicator.tick())
    return twin


def test_a_twin_that_is_heard_makes_another_actor_of_this_one(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    twin = twin_of(a, hub)
    a.count("x", good=1)
    assert shared(a)
    world.run(world.listen(twin.quick))
    assert twin.actor != a.actor
    twin.count("x", good=2)
    world.settle(a, b, twin, digests=False)
    assert agree(a, b, twin)
    assert b.totals() == {"x": (3, 0)}


def test_what_is_refused_because_of_a_twin_is_counted_all_the_same(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    """The same number for the same thing on both: what was not sent must not be lost by it."""
    a, b = pair
    a.count("x", good=1)
    assert shared(a)
    twin = twin_of(a, hub)
    a.count("x", good=2)
    assert shared(a)
    twin.count("x", good=4)
    twin.count("y", bad=8)
    assert not shared(twin)
    world.settle(twin, a, b, digests=False)
    assert twin.actor != a.actor
    assert agree(a, b, twin)
    assert b.totals() == {"x": (7, 0), "y": (0, 8)}


def test_of_twins_whose_ticks_push_at_once_one_counts_again_what_it_had(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    world.settle(a, b, rounds=2)
    twin = twin_of(a, hub)
    a.count("x", good=1)
    twin.count("x", bad=1)
    under_way = twin.replicator.tick()
    opened, push = [], hub.push

    async def after_the_other(*args):
        if not opened:
            opened.append(world.run(a.replicator.tick()))
        return await push(*args)

    twin.replicator.hub = changed(hub, push=after_the_other)
    world.run(under_way)
    twin.replicator.hub = hub
    world.settle(a, b, twin)
    assert opened
    assert twin.actor != a.actor
    assert agree(a, b, twin)
    assert b.totals() == {"x": (2, 1)}


def test_a_pull_from_a_hub_that_was_empty_for_a_moment_promises_nothing(hub: MemoryHub) -> None:
    a, b = world.node(1, hub), world.node(2, hub)
    a.count("x", good=1)
    world.settle(a, rounds=1)
    before, page = hub.snapshot(), hub.page
    hub.state.log.clear()

    async def empty_meanwhile(*args):
        hub.wipe()
        found = await page(*args)
        hub.roll_back(before)
        return found

    b.replicator.hub = changed(hub, page=empty_meanwhile)
    world.run(b.replicator.tick())
    assert table.peer(b.store.db, world.NS, a.actor).vv == 0
    b.replicator.hub = hub
    world.settle(a, b, digests=False)
    assert b.totals() == {"x": (1, 0)}
