"""Each trap that once broke the protocol, on its own."""

from contextlib import suppress

import pytest

from tests.federation import world
from tests.federation.world import Crash, Node, agree, changed, settle
from tmws_mcp.federation import replicator
from tmws_mcp.federation.hub import HubAway, StaleEpoch
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.federation.wire import Entry, Keyring, sealed
from tmws_mcp.model.federation import Slot
from tmws_mcp.store import slots as table


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(read_max=3, page_slots=3)


@pytest.fixture
def pair(hub: MemoryHub) -> tuple[Node, Node]:
    return world.node(1, hub), world.node(2, hub)


def stop_after(work, steps: int) -> None:
    """Let a protocol step go so far, then kill its process."""
    for _ in range(steps):
        work.send(None)
    work.close()


def test_counts_of_two_instances_add_up(pair: tuple[Node, Node]) -> None:
    a, b = pair
    a.count("x", good=3)
    b.count("x", good=2, bad=1)
    settle(a, b, digests=False)
    assert a.totals() == b.totals() == {"x": (5, 1)}


def test_a_log_that_was_cut_loses_nothing(pair: tuple[Node, Node], hub: MemoryHub) -> None:
    a, b = pair
    settle(a, b)
    for n in range(12):
        a.count(f"x{n}", good=1)
        world.run(a.replicator.tick())
    del hub.state.log[:-2]
    settle(b, rounds=1, digests=False)
    assert b.totals() == a.totals()


def test_a_hub_that_was_wiped_gets_everything_back(pair: tuple[Node, Node], hub: MemoryHub) -> None:
    a, b = pair
    a.count("x", good=3)
    settle(a, b)
    hub.wipe()
    b.count("x", bad=1)
    c = world.node(3, hub)
    settle(b, c, digests=False)  # the author itself is away
    assert c.totals() == {"x": (3, 1)}


def test_a_cursor_from_before_a_wipe_does_not_keep_anybody_deaf(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    for n in range(20):
        a.count(f"x{n}", good=1)
        settle(a, b, rounds=1)
    hub.wipe()
    hub._number = 0  # a new log numbers from the beginning
    settle(a, b, rounds=1)
    assert int(table.link(b.store.db, world.NS).cursor) <= hub._number


def test_a_hub_that_was_rolled_back_catches_up(pair: tuple[Node, Node], hub: MemoryHub) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    old = hub.snapshot()
    a.count("x", good=2)
    settle(a, b)
    hub.roll_back(old)
    c = world.node(3, hub)
    settle(a, c, digests=False)
    assert c.totals() == {"x": (3, 0)}


def test_a_rolled_back_hub_is_not_taken_for_a_twin(pair: tuple[Node, Node], hub: MemoryHub) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    old, name = hub.snapshot(), a.actor
    a.count("x", good=2)
    settle(a, b)
    hub.roll_back(old)
    settle(a, b)
    assert a.actor == name


def test_an_orphan_of_a_dead_author_is_found_by_the_digests(hub: MemoryHub) -> None:
    a, b, c = (world.node(n, hub) for n in (1, 2, 3))
    for n in range(7):
        a.count(f"x{n}", good=1)
    log, push = [], hub.push

    async def dies_after_the_second_chunk(*args):
        appended = await push(*args)
        log.append(hub.state.log[-1])
        if len(log) == 2:
            raise HubAway("dead")
        return appended

    a.replicator.hub = changed(hub, push=dies_after_the_second_chunk)
    with pytest.raises(HubAway):
        world.run(a.replicator.tick())
    hub.wipe()
    hub.state.log = log[1:]  # b gets the second chunk alone: nobody has a mark for it
    settle(b, digests=False)
    hub.state.log.clear()
    settle(b, c)
    orphans = [slot for who, slot in b.slots() if who == a.actor]
    assert orphans
    assert table.peer(b.store.db, world.NS, a.actor).vv == 0
    assert [slot for who, slot in c.slots() if who == a.actor] == orphans


def test_a_redaction_without_its_tombstone_is_noticed_by_the_digest(
    pair: tuple[Node, Node],
) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    before = b.digests()
    b.forget("x")
    assert b.digests()[a.actor] != before[a.actor]
    settle(a, b)
    assert agree(a, b)
    assert not b.totals()


def test_a_forgotten_body_is_nowhere_in_the_hub(pair: tuple[Node, Node], hub: MemoryHub) -> None:
    a, b = pair
    a.count("x", good=1)
    b.count("x", good=1)
    settle(a, b)
    assert b"secret of x" in repr(hub.state).encode()
    b.forget("x")
    settle(a, b)
    assert b"secret of x" not in repr(hub.state).encode()
    assert all(not slot.body for _, slot in a.slots() if slot.key == world.key_of("x"))


def test_what_was_forgotten_does_not_come_back_with_somebody_who_was_away(
    pair: tuple[Node, Node],
) -> None:
    a, b = pair
    a.count("x", good=5)
    settle(a, b)
    b.count("x", good=1)  # offline meanwhile
    a.forget("x")
    settle(a, rounds=1)
    settle(b, a)
    assert a.totals() == b.totals() == {}


def test_what_is_counted_after_a_forgetting_counts(pair: tuple[Node, Node]) -> None:
    a, b = pair
    a.count("x", good=5)
    a.forget("x")
    settle(a, b)
    b.count("x", good=1)
    settle(a, b)
    assert a.totals() == b.totals() == {"x": (1, 0)}


def test_an_instance_that_is_forgotten_forgets_what_only_itself_knew(
    pair: tuple[Node, Node],
) -> None:
    a, b = pair
    a.count("x", good=5)
    settle(a, b)
    a.count("x", good=1)
    a.count("y", good=1)
    b.forget_actor(a.actor)
    settle(b, a)
    assert a.totals() == b.totals() == {}
    a.count("x", good=2)
    settle(a, b)
    assert b.totals() == {"x": (2, 0)}


def test_a_generation_that_goes_up_with_a_lower_number_wins(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=5)
    a.forget("x")
    a.count("x", good=1)
    settle(a, b)
    world.run(a.replicator._push_all(a.actor, hub.state.epoch))
    settle(a, b)
    assert b.totals() == {"x": (1, 0)}


def test_a_push_that_was_lost_on_its_way_back_counts_once(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    push = hub.push

    async def unanswered(*args) -> None:
        await push(*args)
        raise HubAway("answer lost")

    a.replicator.hub = changed(hub, push=unanswered)
    with pytest.raises(HubAway):
        world.run(a.replicator.tick())
    a.replicator.hub = hub
    settle(a, b, digests=False)
    assert b.totals() == {"x": (1, 0)}


def test_a_request_from_before_a_wipe_that_comes_late_changes_nothing(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    late = []

    async def hangs(*args) -> None:
        late.append(args)
        raise HubAway("hangs")

    a.replicator.hub = changed(hub, push=hangs)
    with pytest.raises(HubAway):
        world.run(a.replicator.tick())
    hub.wipe()
    world.run(hub.open.__func__(hub))
    with pytest.raises(StaleEpoch):
        world.run(hub.push(*late[0]))
    a.replicator.hub = hub
    settle(a, b)
    assert b.totals() == {"x": (1, 0)}


def test_a_mark_is_not_moved_across_a_gap(pair: tuple[Node, Node]) -> None:
    a, b = pair
    slot = Slot(world.key_of("x"), 0, 8, world.encode(world.Body(1, 0)))
    entry = Entry(1, a.actor, 7, 8, b"t" * 8, [slot])
    b.store.now(b.replicator.take_entries, [entry], "0")
    assert table.peer(b.store.db, world.NS, a.actor).vv == 0
    assert b.totals() == {"x": (1, 0)}  # it is there all the same


@pytest.mark.parametrize("steps", range(1, 40, 2))
def test_a_process_may_die_at_each_step_of_a_tick(steps: int, hub: MemoryHub) -> None:
    a, b = world.node(1, hub), world.node(2, hub)
    for n in range(7):
        a.count(f"x{n}", good=1)
        b.count(f"x{n}", bad=1)
    world.run(b.replicator.tick())
    with suppress(StopIteration):
        stop_after(a.replicator.tick(), steps)
    settle(a, b, digests=False)
    assert a.totals() == b.totals() == {f"x{n}": (1, 1) for n in range(7)}


def test_a_pull_that_a_wipe_cuts_short_promises_nothing(hub: MemoryHub) -> None:
    a, b = world.node(1, hub), world.node(2, hub)
    for n in range(9):
        a.count(f"x{n}", good=1)
    settle(a, rounds=1)
    page, calls = hub.page, []

    async def wiped_after_a_page(*args):
        found = await page(*args)
        calls.append(args)
        hub.wipe()
        return found

    hub.state.log.clear()
    b.replicator.hub = changed(hub, page=wiped_after_a_page)
    with suppress(StaleEpoch):
        world.run(b.replicator.tick())
    assert calls
    assert table.peer(b.store.db, world.NS, a.actor).vv == 0
    b.replicator.hub = hub
    settle(a, b, digests=False)
    assert b.totals() == a.totals()


def test_what_is_signed_with_another_key_is_not_taken(hub: MemoryHub) -> None:
    a, b = world.node(1, hub), world.node(2, hub, keyring=Keyring("tests", (b"other" * 7,)))
    a.count("x", good=1)
    settle(a, b)
    assert b.totals() == {}
    assert b.replicator.figures.refused


def test_a_newer_protocol_is_left_alone_and_the_older_goes_on(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    hub.append(*sealed(Entry(2, "f" * 16, 0, 5, b"t" * 8, []), world.KEYRING))
    a.count("x", good=1)
    settle(a, b)
    assert b.totals() == {"x": (1, 0)}


def test_rubbish_in_the_log_stops_nobody(pair: tuple[Node, Node], hub: MemoryHub) -> None:
    a, b = pair
    for raw in (b"", b"\xc1", b"\xa4\xff\xff\xff\xff", world.encode([1, 2])):
        hub.append(raw, world.KEYRING.sign(b"entry", raw))
    a.count("x", good=1)
    settle(a, b)
    assert b.totals() == {"x": (1, 0)}
    assert b.replicator.figures.refused == 4


def test_a_crash_before_a_commit_leaves_nothing_half(pair: tuple[Node, Node]) -> None:
    a, b = pair

    def die() -> None:
        raise Crash

    a.store.maybe_die = die
    with pytest.raises(Crash):
        a.count("x", good=1)
    a.store.maybe_die = lambda: None
    settle(a, b)
    assert a.totals() == b.totals() == {}


def test_an_own_number_is_never_used_twice(pair: tuple[Node, Node]) -> None:
    a, b = pair
    for _ in range(5):
        a.count("x", good=1)
        a.count("y", good=1)
        settle(a, b, rounds=1)
    seqs = [slot.seq for who, slot in a.slots() if who == a.actor]
    assert len(seqs) == len(set(seqs))


def test_others_are_relayed_only_where_they_do_not_speak_for_themselves(
    pair: tuple[Node, Node], hub: MemoryHub
) -> None:
    a, b = pair
    a.count("x", good=1)
    settle(a, b)
    hub.wipe()
    world.run(b.replicator.tick())
    assert a.actor not in world.result(hub.open()).marks
    world.run(b.replicator.tick())
    assert a.actor in world.result(hub.open()).marks


def test_a_push_of_a_part_says_that_there_is_more(
    pair: tuple[Node, Node], hub: MemoryHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicator, "OUTGOING_MAX", 3)
    a, b = pair
    for n in range(7):
        a.count(f"x{n}", good=1)
    for expected in (True, True, False):
        a.replicator.has_more = False
        world.run(a.replicator.tick())
        assert a.replicator.has_more is expected
    settle(b)
    assert agree(a, b)
    hub.wipe()
    for _ in range(4):  # a is away; three parts, after one tick in which it may speak
        world.run(b.replicator.tick())
    assert (
        world.result(hub.open()).marks[a.actor].seq == table.peer(b.store.db, world.NS, a.actor).vv
    )


def test_tags_are_kept_up_to_a_bound(
    pair: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "TAGS_MAX", 5)
    db = pair[0].store.db
    for seq in range(1, 40):
        table.add_tag(db, world.NS, bytes([1, seq]), seq)
    table.add_tag(db, world.NS, bytes([0, 40]), 40)
    kept = [n for n in range(1, 41) if table.knows_tag(db, world.NS, bytes([n < 40, n]))]
    assert kept == [36, 37, 38, 39, 40]
