"""Two stores that write as one actor: the one that notices becomes another actor.

A store that was copied, or restored from a backup, goes on with numbers that its twin goes on with
too. What has arrived stays with the old actor, as one of the states of its slots; the rest is
counted again by the new one, as the difference to what has arrived. This store still has that, and
gives it to whoever lacks it.

Of a push that was never answered the trail of tags that the hub keeps says whether it arrived: own
pushes are taken in a chain, each only upon the tag that it expects (guarded.py). One whose tag is
not in the trail was not taken, and its place is another's. Where the trail begins too late to say
so, it counts as arrived: of an old backup nearly everything has.
"""

from collections.abc import Callable, Collection, Sequence

from tmws_mcp.federation import replica
from tmws_mcp.federation.hub import TRAIL_MAX
from tmws_mcp.federation.replica import Changed
from tmws_mcp.federation.slots import digest, forgets
from tmws_mcp.model.federation import Mark, Slot
from tmws_mcp.store import actor as identities
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection

Reauthor = Callable[[Slot, Slot | None], bytes | None]
"""(slot, the state of it that arrived last) -> the body that is left, None if nothing is."""


def believe(db: Connection, ns: int, trail: Collection[bytes]) -> None:
    """Note of own pushes without an answer which have arrived, as the hub's trail tells."""
    link = table.link(db, ns)
    own = table.own_tags(db, ns, link.acknowledged)
    arrived = max((own[tag] for tag in trail if tag in own), default=link.acknowledged)
    whole = len(trail) < TRAIL_MAX or any(table.knows_tag(db, ns, tag) for tag in trail)
    replica.acknowledge(db, ns, arrived if whole else link.pushed)


def part(db: Connection, name: str, *, reauthor: Reauthor) -> dict[int, Changed]:
    """Be another actor from now on; return by namespace what changed."""
    old = identities.identity(db)
    own = {ns: _take_out(db, ns, old) for ns in table.linked(db)}
    identities.renew(db, name)
    return {ns: _count_again(db, ns, *parts, reauthor=reauthor) for ns, parts in own.items()}


def leave(db: Connection, name: str, *, reauthor: Reauthor) -> None:
    """Be another actor because this is a copy of a store: all that is in it stays the old one's.

    The original may have sent what the copy holds as unsent, so that nothing is counted again.
    Own changes must have been collected.
    """
    me = identities.identity(db)
    for ns in table.linked(db):
        newest = table.peer(db, ns, me).vv
        table.move_link(db, ns, pushed=newest)
        replica.acknowledge(db, ns, newest)
    part(db, name, reauthor=reauthor)


def _take_out(db: Connection, ns: int, old: str) -> tuple[list[Slot], dict[bytes, Slot]]:
    """Put own slots back to what has arrived; return those that were above, and the bases."""
    arrived = table.link(db, ns).acknowledged
    above, known = table.of_actor(db, ns, old, above=arrived), table.bases(db, ns, arrived)
    table.drop(db, ns, old, (slot.key for slot in above))
    table.put(db, ns, old, (known[slot.key] for slot in above if slot.key in known))
    table.set_digest(db, ns, old, digest(old, table.of_actor(db, ns, old)))
    # The twin has numbered other changes in the same way: none of them is known to be here.
    table.set_mark(db, ns, old, Mark(0))
    table.move_link(db, ns, pushed=0, acknowledged=0)
    table.forget_pushes(db, ns)
    return above, known


def _count_again(
    db: Connection,
    ns: int,
    above: Sequence[Slot],
    known: dict[bytes, Slot],
    *,
    reauthor: Reauthor,
) -> Changed:
    bodies: dict[bytes, bytes] = {}
    changed: Changed = {slot.key: None for slot in above}
    for slot in above:
        base = known.get(slot.key)
        if forgets(slot):
            changed |= replica.repeat(db, ns, slot)
            continue
        same_life = base is not None and base.gen == slot.gen
        left = reauthor(slot, base if same_life else None) if slot.body else None
        if left is not None:
            bodies[slot.key] = left
    numbers = identities.next_seqs(db, len(bodies))
    told = {key: (seq, body) for seq, (key, body) in zip(numbers, bodies.items(), strict=True)}
    return changed | replica.write_own(db, ns, told)
