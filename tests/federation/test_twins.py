"""Two stores that write as one actor: a copied file, a restored backup."""

import pytest

from tests.federation import world
from tests.federation.world import Node, agree, changed, settle
from tmws_mcp.federation import fork
from tmws_mcp.federation.hub import HubAway, Opened
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.store import slots as table


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(read_max=3, page_slots=3)


@pytest.fixture
def pair(hub: MemoryHub) -> tuple[Node, Node]:
    return world.node(1, hub), world.node(2, hub)


def test_a_store_that_was_restored_becomes_another_actor_and_counts_what_is_new_once(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    copy = world.node(1, hub)
    _copy(a, copy)
    a.count("x", good=2)
    settle(a, b)
    copy.count("x", good=10)
    copy.count("y", good=1)
    settle(copy, a, b)
    assert copy.actor != a.actor
    assert agree(a, b, copy)
    assert a.totals() == {"x": (13, 0), "y": (1, 0)}


def _copy(one: Node, other: Node) -> None:
    """What a copied file is: the same rows."""
    for name in ("meta", "slot", "peer", "link", "push_tag", "slot_base"):
        other.store.db.run(f"DELETE FROM {name}")
        for row in one.store.db.rows(f"SELECT * FROM {name}"):
            marks = ",".join("?" * len(row))
            other.store.db.run(f"INSERT INTO {name} VALUES ({marks})", row)


def test_a_state_that_was_sent_without_an_answer_is_not_counted_again_after_a_fork(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    copy = world.node(1, hub)
    _copy(a, copy)
    a.count("x", good=2)
    push = hub.push

    async def unanswered(*args) -> None:
        await push(*args)
        raise HubAway("answer lost")

    a.replicator.hub = changed(hub, push=unanswered)
    with pytest.raises(HubAway):
        world.run(a.replicator.tick())
    a.replicator.hub = hub
    a.count("x", good=4)
    copy.count("y", good=1)
    settle(copy, a, b)
    assert agree(a, b, copy)
    assert a.totals() == {"x": (7, 0), "y": (1, 0)}


def test_a_twin_is_noticed_by_the_mark_alone(pair: tuple[Node, Node], hub: MemoryHub) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    copy = world.node(1, hub)
    _copy(a, copy)
    a.count("x", good=2)
    settle(a, b)
    hub.state.log.clear()
    copy.count("x", good=10)
    settle(copy, a, b)
    assert copy.actor != a.actor
    assert agree(a, b, copy)
    assert a.totals() == {"x": (13, 0)}


def test_a_twin_is_noticed_by_the_log_where_the_mark_was_read_before(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    copy = world.node(1, hub)
    _copy(a, copy)
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
    copy = world.node(1, hub)
    _copy(a, copy)
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
    copy = world.node(1, hub)
    _copy(a, copy)
    copy.store.now(fork.leave, "c" * 16, reauthor=world.reauthor)
    settle(copy, b)
    assert b.totals() == copy.totals() == {"x": (3, 0)}
    assert table.peer(b.store.db, world.NS, a.actor).digest
