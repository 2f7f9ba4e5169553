"""A thousand instances in groups, simulated: the protocol itself and real stores, no network.

Each instance counts some things once. Then all agree with their hub in rounds, and the bridges
with the hub above, until everybody's totals are everybody's counts: exact, or it ends with 1.
Printed for groups, and for one hub that all share: the rounds that it took, and the slots and bytes
that it costs.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.report import Table, arguments, show
from tests.federation import world
from tests.federation.world import Body, Node, decode, encode
from tmws_mcp.federation.bridge import Bridge
from tmws_mcp.federation.hub import Appended, Log, Page, Sealed
from tmws_mcp.federation.memory_hub import MemoryHub

GROUP = 50
ROUNDS_MAX = 10
ALONE, BRIDGE_BELOW, BRIDGE_ABOVE = 0, 1_000_000, 2_000_000
"""Numbers that seed the names of instances and of the two sides of bridges."""


class CountedHub(MemoryHub):
    """A hub that counts what goes through it."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    async def push(self, epoch: str, sealed: Sealed) -> Appended:
        """Count what comes."""
        self.bytes += len(sealed.raw) + sum(len(value) for _, value in sealed.slots)
        return await super().push(epoch, sealed)

    async def read(self, cursor: str) -> Log:
        """Count what goes."""
        found = await super().read(cursor)
        self.bytes += sum(len(raw) for raw, _ in found.entries)
        return found

    async def page(self, actor: str, cursor: int) -> Page:
        """Count what goes."""
        found = await super().page(actor, cursor)
        self.bytes += sum(len(key) + len(value) for key, value in found.slots)
        return found


def summed(_: bytes, told: Sequence[bytes]) -> bytes:
    """Return the sum of what the simulated instances count."""
    every = [decode(body) for body in told]
    return encode(Body(sum(one.good for one in every), sum(one.bad for one in every)))


@dataclass(slots=True)
class Team:
    """Instances with one hub, or in groups with a hub each and bridges to one above."""

    instances: list[Node]
    hubs: list[CountedHub]
    bridges: list[Bridge] = field(default_factory=list)

    def round(self) -> None:
        """Let everybody agree with its hub once."""
        for one in self.instances:
            world.run(one.replicator.tick())
        for bridge in self.bridges:
            world.run(bridge.tick())


def flat(size: int) -> Team:
    """Return a team whose instances share one hub."""
    hub = CountedHub()
    return Team([_node(ALONE + n, hub) for n in range(size)], [hub])


def grouped(size: int) -> Team:
    """Return a team in groups."""
    above = CountedHub()
    team = Team([], [above])
    for first in range(0, size, GROUP):
        hub = CountedHub()
        team.hubs.append(hub)
        team.instances += [_node(ALONE + n, hub) for n in range(first, min(first + GROUP, size))]
        below, upper = _node(BRIDGE_BELOW + first, hub), _node(BRIDGE_ABOVE + first, above)
        team.bridges.append(Bridge(below.replicator, upper.replicator, summed))
    return team


def _node(number: int, hub: CountedHub) -> Node:
    one = world.node(number, hub)
    one.replicator.entry_slots_max = 500  # the tests make entries small, so that there are many
    return one


def run(team: Team, things: int) -> dict[str, float]:
    """Let all count, and then agree; return what it took."""
    for number, one in enumerate(team.instances):
        for thing in range(things):
            one.count(f"thing {thing}", good=1 + number % 3, bad=1)
    size = len(team.instances)
    good = sum(1 + number % 3 for number in range(size))
    expected = {f"thing {thing}": (good, size) for thing in range(things)}
    started, rounds = time.process_time(), 0
    while not all(one.totals() == expected for one in team.instances) and rounds < ROUNDS_MAX:
        team.round()
        rounds += 1
    exact = all(one.totals() == expected for one in team.instances)
    return {
        "exact": float(exact),
        "rounds": float(rounds),
        "slots of an instance": max(len(one.slots()) for one in team.instances),
        "slots of the largest hub": max(
            sum(map(len, hub.state.slots.values())) for hub in team.hubs
        ),
        "kB through the busiest hub": max(hub.bytes for hub in team.hubs) / 1_000,
        "kB through all hubs": sum(hub.bytes for hub in team.hubs) / 1_000,
        "seconds of CPU": time.process_time() - started,
    }


def main() -> int:
    """Simulate and print; 1 where somebody's totals are not exact in the end."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--sizes", nargs="+", type=int, default=[50, 200, 500, 1_000])
    parser.add_argument("--flat", nargs="+", type=int, default=[50, 200], help="with one hub")
    parser.add_argument("--things", type=int, default=3, help="what each instance counts")
    asked = parser.parse_args()
    found = {f"{size:,} on one hub": run(flat(size), asked.things) for size in asked.flat}
    for size in asked.sizes:
        found[f"{size:,} in groups of {GROUP}"] = run(grouped(size), asked.things)
    names = [name for name in next(iter(found.values())) if name != "exact"]
    rows = [
        (name, *(f"{told[column]:,.1f}".removesuffix(".0") for column in names))
        for name, told in found.items()
    ]
    title = f"Each counts {asked.things} things; until all know all"
    show(
        {name: dict(told) for name, told in found.items()},
        [Table(title, ("instances", *names), rows)],
        as_json=asked.json,
    )
    return int(not all(told["exact"] for told in found.values()))


if __name__ == "__main__":
    sys.exit(main())
