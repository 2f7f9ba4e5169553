"""Groups of instances with a hub each, and bridges between them."""

from collections.abc import Sequence

import pytest

from tests.federation import world
from tests.federation.world import Body, Node, decode, encode
from tmws_mcp.federation import aggregate, bodies
from tmws_mcp.federation.bodies import About, Counts, Done, Followed
from tmws_mcp.federation.bridge import Bridge
from tmws_mcp.federation.memory_hub import MemoryHub
from tmws_mcp.federation.slots import CONTEXT, OUTCOME, TASK
from tmws_mcp.store import slots as table


def summed(_: bytes, told: Sequence[bytes]) -> bytes:
    every = [decode(body) for body in told]
    return encode(Body(sum(one.good for one in every), sum(one.bad for one in every)))


class World:
    """Groups of two instances each, whose bridges meet at one hub."""

    def __init__(self, groups: int) -> None:
        self.above = MemoryHub()
        self.hubs = [MemoryHub() for _ in range(groups)]
        self.groups = [
            [world.node(10 * n + m, hub) for m in range(2)] for n, hub in enumerate(self.hubs)
        ]
        self.sides = [
            (world.node(10 * n + 8, hub), world.node(10 * n + 9, self.above))
            for n, hub in enumerate(self.hubs)
        ]
        self.bridges = [Bridge(a.replicator, b.replicator, summed) for a, b in self.sides]

    def everybody(self) -> list[Node]:
        return [one for group in self.groups for one in group]

    def settle(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            for one in self.everybody():
                world.run(one.replicator.tick())
            for bridge in self.bridges:
                world.run(bridge.tick())
        for one in self.everybody():
            world.run(one.replicator.tick())


@pytest.fixture
def groups() -> World:
    return World(3)


def test_what_one_group_counts_all_groups_know_and_nobody_counts_it_twice(groups: World) -> None:
    for number, one in enumerate(groups.everybody()):
        one.count("x", good=2**number)
    groups.settle()
    assert {one.totals()["x"] for one in groups.everybody()} == {(63, 0)}
    groups.settle()
    assert {one.totals()["x"] for one in groups.everybody()} == {(63, 0)}


def test_an_instance_holds_one_slot_for_all_other_groups(groups: World) -> None:
    for one in groups.everybody():
        one.count("x", good=1)
    groups.settle()
    assert len(groups.groups[0][0].slots()) == 3


def test_what_is_forgotten_in_one_group_is_forgotten_in_all(groups: World) -> None:
    for one in groups.everybody():
        one.count("x", good=1)
        one.count("y", good=1)
    groups.settle()
    groups.groups[2][1].forget("x")
    groups.settle()
    assert {tuple(one.totals()) for one in groups.everybody()} == {("y",)}
    groups.groups[0][0].count("x", bad=1)
    groups.settle()
    assert {one.totals()["x"] for one in groups.everybody()} == {(0, 1)}


def test_an_instance_that_is_forgotten_is_taken_out_of_its_groups_sum(groups: World) -> None:
    for one in groups.everybody():
        one.count("x", good=1)
    groups.settle()
    first, second = groups.groups[0]
    second.forget_actor(first.actor)
    groups.settle()
    assert groups.groups[1][0].totals()["x"] == (5, 0)


def test_a_hub_above_that_is_emptied_loses_and_doubles_nothing(groups: World) -> None:
    for one in groups.everybody():
        one.count("x", good=1)
    groups.settle()
    groups.above.wipe()
    groups.hubs[1].wipe()
    groups.everybody()[0].count("x", good=1)
    groups.settle()
    assert {one.totals()["x"] for one in groups.everybody()} == {(7, 0)}


def test_a_bridge_that_takes_over_from_one_that_was_forgotten_counts_nothing_twice(
    groups: World,
) -> None:
    for one in groups.everybody():
        one.count("x", good=1)
    groups.settle()
    gone_below, gone_above = (side.actor for side in groups.sides[0])
    below, above = world.node(97, groups.hubs[0]), world.node(98, groups.above)
    groups.bridges[0] = Bridge(below.replicator, above.replicator, summed)
    world.run(below.replicator.tick())
    world.run(above.replicator.tick())
    below.forget_actor(gone_below)
    above.forget_actor(gone_above)
    groups.settle()
    assert {one.totals()["x"] for one in groups.everybody()} == {(6, 0)}


def test_a_bridge_with_nothing_to_tell_tells_nothing(groups: World) -> None:
    groups.everybody()[0].count("x", good=1)
    groups.settle()
    before = [table.peers(side.store.db, world.NS) for pair in groups.sides for side in pair]
    groups.settle()
    assert before == [
        table.peers(side.store.db, world.NS) for pair in groups.sides for side in pair
    ]


def test_counts_of_several_are_the_sum_and_say_of_how_many() -> None:
    one = Counts(4, 3, 10, 2, {1: 2}, 20_000, about=["tool_usage"])
    other = Counts(6, 1, 0, 0, {1: 1, 5: 3}, 20_001, actors=7)
    found = bodies.counts(aggregate.summed(OUTCOME, [bodies.encode(one), bodies.encode(other)]))
    assert (found.n, found.ok, found.tokens, found.metered) == (10, 4, 10, 2)
    assert (found.durations, found.day, found.actors) == ({1: 3, 5: 3}, 20_001, 8)
    assert found.about == ["tool_usage"]
    followed = aggregate.summed(CONTEXT, [bodies.encode(Followed(n)) for n in (2, 5)])
    assert bodies.followed(followed).n == 7


def test_of_the_runs_of_several_the_newest_are_told_within_a_slots_size() -> None:
    told = [
        bodies.encode(About({"w" * 16: 1}, [Done("success", day, [("t" * 80, True)] * 20)], day))
        for day in range(30)
    ]
    found = bodies.about(aggregate.summed(TASK, told))
    days = [run.day for run in found.runs]
    assert days == list(range(30 - len(days), 30))
    assert 0 < len(bodies.encode(found)) <= 8 * 1024
