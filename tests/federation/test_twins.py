"""Two stores that write as one actor: a copied file, a restored backup."""

import pytest

from tests.federation import world
from tests.federation.world import Node, agree, changed, settle
from tmws_mcp.federation import fork, replica
from tmws_mcp.federation.guarded import There
from tmws_mcp.federation.hub import TRAIL_MAX, HubAway, Opened
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.model.federation import Mark
from tmws_mcp.store import slots as table

Twins = tuple[Node, Node, Node]


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(read_max=3, page_slots=3)


@pytest.fixture
def pair(hub: MemoryHub) -> tuple[Node, Node]:
    return world.node(1, hub), world.node(2, hub)


@pytest.fixture
def twins(pair: tuple[Node, Node], hub: MemoryHub) -> Twins:
    """Two that share a count, and a copy of the first one's store."""
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    return a, b, copy_of(a, hub)


def copy_of(one: Node, hub: MemoryHub) -> Node:
    """Return one that has its rows, as a copied file has."""
    copy = world.node(3, hub)
    copy.be_a_copy_of(one)
    return copy


def push_unanswered(one: Node, hub: MemoryHub) -> None:
    """Push what it has; that it arrived, it does not hear."""

    async def unanswered(*args) -> None:
        await hub.push(*args)
        raise HubAway("answer lost")

    one.replicator.hub = changed(hub, push=unanswered)
    with pytest.raises(HubAway):
        world.run(one.replicator.tick())
    one.replicator.hub = hub


def read_nothing_since(copy: Node, one: Node, hub: MemoryHub) -> None:
    """Let a copy know the hub as it was before the other one pushed."""
    copy.replicator.epoch = hub.state.epoch
    copy.replicator.there = There(hub.state.epoch, one.actor, Mark(0))


def test_a_store_that_was_restored_becomes_another_actor_and_counts_what_is_new_once(
    twins: Twins,
) -> None:
    a, b, copy = twins
    a.count("x", good=2)
    settle(a, b)
    copy.count("x", good=10)
    copy.count("y", good=1)
    settle(copy, a, b)
    assert copy.actor != a.actor
    assert agree(a, b, copy)
    assert a.totals() == {"x": (13, 0), "y": (1, 0)}


def test_a_state_that_was_sent_without_an_answer_is_not_counted_again_after_a_fork(
    twins: Twins, hub: MemoryHub
) -> None:
    a, b, copy = twins
    a.count("x", good=2)
    push_unanswered(a, hub)
    a.count("x", good=4)
    copy.count("y", good=1)
    settle(copy, a, b)
    assert agree(a, b, copy)
    assert a.totals() == {"x": (7, 0), "y": (1, 0)}


def test_a_twin_is_noticed_by_the_mark_alone(twins: Twins, hub: MemoryHub) -> None:
    a, b, copy = twins
    a.count("x", good=2)
    settle(a, b)
    hub.state.log.clear()
    copy.count("x", good=10)
    settle(copy, a, b)
    assert copy.actor != a.actor
    assert agree(a, b, copy)
    assert a.totals() == {"x": (13, 0)}


def test_a_twin_is_noticed_by_the_log_where_the_mark_was_read_before(
    twins: Twins, hub: MemoryHub
) -> None:
    a, b, copy = twins
    before = Opened(hub.state.epoch, dict(hub.state.marks))
    a.count("x", good=2)
    settle(a, b)

    async def open_before() -> Opened:
        return before

    copy.replicator.hub = changed(hub, open=open_before)
    copy.count("x", good=10)
    world.run(copy.replicator.tick())
    assert copy.actor != a.actor


def test_a_copy_that_is_known_to_be_one_counts_nothing_again(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    """The original sends later what the copy holds as unsent: only what is new is the copy's."""
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    a.count("x", good=2)
    copy = copy_of(a, hub)
    copy.store.now(fork.leave, "c" * 16, reauthor=world.reauthor)
    copy.count("x", good=10)
    settle(a, b)
    settle(copy, a, b)
    assert copy.actor == "c" * 16
    assert agree(a, b, copy)
    assert a.totals() == {"x": (13, 0)}


def test_a_copy_whose_original_is_gone_gives_what_that_had_not_sent(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    a.count("x", good=2)
    copy = copy_of(a, hub)
    copy.store.now(fork.leave, "c" * 16, reauthor=world.reauthor)
    settle(copy, b)
    assert b.totals() == copy.totals() == {"x": (3, 0)}
    assert table.peer(b.store.db, world.NS, a.actor).digest


def test_an_unanswered_push_that_a_twin_overtook_is_counted_again(
    twins: Twins, hub: MemoryHub
) -> None:
    a, b, copy = twins
    copy.replicator.hub = changed(hub, push=_lost)
    copy.count("x", good=10)
    with pytest.raises(HubAway):
        world.run(copy.replicator.tick())
    copy.replicator.hub = hub
    a.count("x", good=2)
    settle(a, b)
    settle(copy, a, b)
    assert copy.actor != a.actor
    assert agree(a, b, copy)
    assert a.totals() == {"x": (13, 0)}


async def _lost(*_: object) -> None:
    raise HubAway("request lost")


def test_what_had_arrived_before_a_backup_that_does_not_know_so_is_not_counted_again(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    push_unanswered(a, hub)
    backup = copy_of(a, hub)
    a.count("x", good=2)
    settle(a, b)
    backup.count("x", good=10)
    settle(backup, a, b)
    assert backup.actor != a.actor
    assert agree(a, b, backup)
    assert a.totals() == {"x": (13, 0)}


def test_a_change_while_the_hub_refuses_a_push_is_counted_whole(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    """The state that was on its way when it changed again never arrived."""
    a, b = pair
    settle(a, b)
    copy = copy_of(a, hub)
    a.count("x", good=1)
    settle(a, b)
    push, copy_counts = hub.push, [7]

    async def meanwhile(*args):
        if copy_counts:
            copy.count("x", good=copy_counts.pop())
        return await push(*args)

    copy.count("x", good=2)
    read_nothing_since(copy, a, hub)
    copy.replicator.hub = changed(hub, push=meanwhile)
    assert not world.result(copy.quick.share())
    settle(copy, a, b)
    assert copy.actor != a.actor
    assert agree(a, b, copy)
    assert a.totals() == {"x": (10, 0)}


def test_what_was_refused_is_counted_however_often_the_twin_has_pushed_since(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    """The hub's trail no longer reaches back to it then."""
    a, b = pair
    settle(a, b)
    copy = copy_of(a, hub)
    a.count("x", good=1)
    settle(a, b)
    copy.count("x", good=10)
    read_nothing_since(copy, a, hub)
    assert not world.result(copy.quick.share())
    for _ in range(TRAIL_MAX + 1):
        a.count("y", good=1)
        world.run(a.replicator.tick())
    settle(copy, a, b)
    assert copy.actor != a.actor
    assert agree(a, b, copy)
    assert a.totals() == {"x": (11, 0), "y": (TRAIL_MAX + 1, 0)}


@pytest.mark.parametrize(("others", "again"), [(TRAIL_MAX - 1, 11), (TRAIL_MAX, 10)])
def test_where_the_trail_begins_too_late_what_was_sent_counts_as_arrived(
    others: int, again: int
) -> None:
    one = world.node(1, MemoryHub())
    one.count("x", good=1)
    one.store.now(one.replicator.outgoing, one.actor, 0)
    one.count("x", good=10)
    one.store.now(fork.believe, world.NS, [b"%08d" % n for n in range(others)])
    one.store.now(fork.part, "c" * 16, reauthor=world.reauthor)
    assert world.decode(dict(one.slots())["c" * 16].body).good == again


def test_a_store_from_before_makes_its_digests_anew() -> None:
    one = world.node(1, MemoryHub())
    one.count("x", good=1)
    right = one.digests()
    table.set_digest(one.store.db, world.NS, one.actor, 1)
    one.store.now(replica.settle, world.NS)
    assert one.digests() == right
