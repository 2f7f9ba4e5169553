"""The replica within a store: how slots come into it, and what a forgetting does to them.

Each function runs within the caller's transaction. The only way for a slot to get in is `take`,
which merges, keeps the digests, and applies the tombstones that are known.
"""

from collections.abc import Iterable, Mapping, Sequence

from tmws_mcp.federation.slots import (
    FAREWELL,
    FORGETTING,
    GONE,
    REDACTED,
    TOMBSTONE,
    beats,
    digest,
    forgets,
    mark,
    redacted,
)
from tmws_mcp.model.federation import Mark, Slot
from tmws_mcp.store import actor as identities
from tmws_mcp.store import slots as table
from tmws_mcp.store.driver import Connection

DIGESTS = 2
"""The form of the digests (slots.py); a store that has others makes them anew."""
Changed = dict[bytes, None]
"""Keys of things that some actor's slot has changed for, in the order in which they did."""


def take(db: Connection, ns: int, actor: str, arriving: Sequence[Slot]) -> Changed:
    """Merge slots of an actor; return what changed."""
    changed = _merge(db, ns, actor, _blanked(db, ns, actor, arriving))
    for slot in arriving:
        if forgets(slot) and slot.key in changed:
            changed |= _redact(db, ns, slot)
    return changed


def _merge(db: Connection, ns: int, actor: str, arriving: Iterable[Slot]) -> Changed:
    slots = list(arriving)
    known = table.find(db, ns, actor, [slot.key for slot in slots])
    won: dict[bytes, Slot] = {}
    difference = 0
    for slot in slots:
        old = won.get(slot.key) or known.get(slot.key)
        if beats(slot, old):
            difference ^= mark(actor, slot) ^ (mark(actor, old) if old else 0)
            won[slot.key] = slot
    if won:
        table.put(db, ns, actor, won.values())
        _shift_digest(db, ns, actor, difference)
    return dict.fromkeys(won)


def _shift_digest(db: Connection, ns: int, actor: str, difference: int) -> None:
    table.set_digest(db, ns, actor, table.peer(db, ns, actor).digest ^ difference)


def _blanked(db: Connection, ns: int, actor: str, slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots as the known tombstones leave them."""
    if not table.has_kinds(db, ns, FORGETTING):  # as in most namespaces
        return list(slots)
    farewell = FAREWELL + actor.encode()
    asked = [TOMBSTONE + slot.key for slot in slots if not forgets(slot)]
    tombs = table.greatest_gens(db, ns, [*asked, farewell])
    return [
        redacted(slot) if is_forgotten(slot, actor, tombs) and slot.body != REDACTED else slot
        for slot in slots
    ]


def is_forgotten(slot: Slot, actor: str, tombs: Mapping[bytes, int]) -> bool:
    """Tell whether the tombstones (key -> greatest gen) cover the slot."""
    if forgets(slot):
        return False
    return slot.gen < tombs.get(TOMBSTONE + slot.key, 0) or slot.seq <= tombs.get(
        FAREWELL + actor.encode(), 0
    )


def _redact(db: Connection, ns: int, tomb: Slot) -> Changed:
    """Take the bodies out of all that the tombstone covers, whoever counted it."""
    kind, target = tomb.key[:1], tomb.key[1:]
    if kind == FAREWELL:
        name = target.decode()
        covered = [(name, slot) for slot in table.of_actor(db, ns, name, upto=tomb.gen)]
    else:
        covered = [found for found in table.of_key(db, ns, target) if found[1].gen < tomb.gen]
    changed: Changed = {}
    for actor, slot in covered:
        table.drop_base(db, ns, slot.key)
        if slot.body != REDACTED and not forgets(slot):
            changed |= _merge(db, ns, actor, [redacted(slot)])
    return changed


def life(db: Connection, ns: int, key: bytes) -> int:
    """Return the gen of what is counted now: how often it was forgotten."""
    return table.greatest_gens(db, ns, [TOMBSTONE + key]).get(TOMBSTONE + key, 0)


def write_own(db: Connection, ns: int, bodies: Mapping[bytes, tuple[int, bytes]]) -> Changed:
    """Give own slots new bodies, each with the number of its change: (seq, body).

    A state that was sent is kept when it is replaced, for the case that somebody else goes on as
    this actor: until a later one has arrived, see `acknowledge`.
    """
    if not bodies:
        return {}
    me, keys = identities.identity(db), list(bodies)
    lives = _lives(db, ns, keys)
    pushed = table.link(db, ns).pushed
    known = table.find(db, ns, me, keys)
    table.keep_bases(db, ns, (slot for slot in known.values() if slot.seq <= pushed))
    # Newer than what is known, and of after each tombstone: not held against them.
    slots = [Slot(key, lives.get(key, 0), seq, body) for key, (seq, body) in bodies.items()]
    table.put(db, ns, me, slots)
    peer = table.peer(db, ns, me)
    found = peer.digest
    for slot in (*slots, *known.values()):
        found ^= mark(me, slot)
    table.set_digest(db, ns, me, found)
    advance(db, ns, me, Mark(max(peer.vv, *(slot.seq for slot in slots)), b""))
    return dict.fromkeys(keys)


def _lives(db: Connection, ns: int, keys: Sequence[bytes]) -> dict[bytes, int]:
    if not table.has_kinds(db, ns, (TOMBSTONE,)):
        return {}
    found = table.greatest_gens(db, ns, [TOMBSTONE + key for key in keys])
    return {key[1:]: gen for key, gen in found.items()}


def advance(db: Connection, ns: int, actor: str, mark: Mark) -> None:
    """Move an actor's mark forward, never back."""
    known = table.peer(db, ns, actor)
    if mark.seq > known.vv or (mark.seq == known.vv and mark.tag and not known.tag):
        table.set_mark(db, ns, actor, mark)


def acknowledge(db: Connection, ns: int, upto: int) -> None:
    """Note that own slots up to a number have arrived."""
    if upto <= table.link(db, ns).acknowledged:
        return
    table.move_link(db, ns, acknowledged=upto)
    me = identities.identity(db)
    if upto >= table.peer(db, ns, me).vv:
        table.drop_all_bases(db, ns)
    else:
        table.drop_bases(db, ns, me, upto)


def settle(db: Connection, ns: int) -> None:
    """Make a namespace ready to be shared."""
    table.move_link(db, ns)
    if table.link(db, ns).digests != DIGESTS:
        for name in table.peers(db, ns):
            table.set_digest(db, ns, name, digest(name, table.of_actor(db, ns, name)))
        table.move_link(db, ns, digests=DIGESTS)


def forget(db: Connection, ns: int, keys: Sequence[bytes]) -> Changed:
    """Forget things for good, whoever counted them; own changes must have been collected."""
    me = identities.identity(db)
    numbers = identities.next_seqs(db, len(keys))
    tombs = []
    for key, seq in zip(keys, numbers, strict=True):
        above = table.greatest_gens(db, ns, [key, TOMBSTONE + key]).values()
        tombs.append(Slot(TOMBSTONE + key, max(above, default=0) + 1, seq, GONE))
    return _entomb(db, ns, me, tombs)


def forget_actor(db: Connection, ns: int, name: str) -> Changed:
    """Forget all that an actor has counted up to now; own changes must have been collected."""
    me = identities.identity(db)
    (seq,) = identities.next_seqs(db, 1)
    if name == me:
        upto = seq
    else:
        newest = table.of_actor(db, ns, name)
        upto = max([table.peer(db, ns, name).vv, 1, *(slot.seq for slot in newest)])
    return _entomb(db, ns, me, [Slot(FAREWELL + name.encode(), upto, seq, GONE)])


def take_back(db: Connection, ns: int, keys: Sequence[bytes]) -> Changed:
    """Redact what this actor counts of these things, and leave to others what they count."""
    numbers = identities.next_seqs(db, len(keys))
    blank = {key: (seq, REDACTED) for key, seq in zip(keys, numbers, strict=True)}
    changed = write_own(db, ns, blank)
    for key in keys:
        table.drop_base(db, ns, key)
    return changed


def repeat(db: Connection, ns: int, tomb: Slot) -> Changed:
    """Say as one's own that something is forgotten, as somebody else has said it."""
    (seq,) = identities.next_seqs(db, 1)
    return _entomb(db, ns, identities.identity(db), [tomb._replace(seq=seq)])


def _entomb(db: Connection, ns: int, me: str, tombs: Sequence[Slot]) -> Changed:
    changed = take(db, ns, me, tombs)
    if tombs:
        advance(db, ns, me, Mark(max(tomb.seq for tomb in tombs), b""))
    return changed
