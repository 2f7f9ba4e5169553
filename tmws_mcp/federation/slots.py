"""Slots and their merge: pure, so that its laws can be tested alone.

A slot belongs to one actor, which alone counts in it, and holds absolute totals. Of two states the
one with the greater (gen, seq, redacted) is kept: merging commutes, associates and repeats
harmlessly, whatever the way that slots come by. Two stores that write as one actor give the same
number to different bodies: the greater body is kept, so that all agree even then. The digest covers
the body, since two replicas that differ in that alone must not look the same.
"""

import hashlib
from collections.abc import Iterable, Mapping

from tmws_mcp.model.federation import Slot

OUTCOME, CONTEXT, TASK = b"o", b"c", b"t"
TOMBSTONE = b"x"
"""Followed by the key of what is forgotten: slots of it with a lower gen are redacted."""
FAREWELL = b"X"
"""Followed by an actor: all that it counted up to the number in `gen` is redacted."""
FORGETTING = (TOMBSTONE, FAREWELL)
KINDS = (OUTCOME, CONTEXT, TASK, TOMBSTONE, FAREWELL)
REDACTED = b""
GONE = b"-"
"""Body of what forgets: it says all by its key and its gen."""
MARK_BYTES = 7  # a digest must fit into SQLite's signed 64 bits


def beats(slot: Slot, known: Slot | None) -> bool:
    """Tell whether a state of a slot is newer than the known one of the same actor and key."""
    if known is None:
        return True
    return _order(slot) > _order(known)


def _order(slot: Slot) -> tuple[int, int, bool, bytes]:
    return slot.gen, slot.seq, slot.body == REDACTED, slot.body


def redacted(slot: Slot) -> Slot:
    """Return the slot without what it held."""
    return slot._replace(body=REDACTED)


def forgets(slot: Slot) -> bool:
    """Tell whether the slot says that something is forgotten."""
    return slot.key[:1] in FORGETTING


def mark(actor: str, slot: Slot) -> int:
    """Return what the slot's state adds to the digest of its actor, by exclusive or."""
    key, gen, seq, body = slot
    said = b"%b|%d|%d|%d|%b|%b" % (actor.encode(), gen, seq, len(key), key, body)
    return int.from_bytes(hashlib.blake2b(said, digest_size=MARK_BYTES).digest(), "big")


def digest(actor: str, slots: Iterable[Slot]) -> int:
    """Return the digest of all of an actor's slots; 0 of none."""
    found = 0
    for slot in slots:
        found ^= mark(actor, slot)
    return found


def merged(*replicas: Mapping[bytes, Slot]) -> dict[bytes, Slot]:
    """Return the newest known state of each slot of one actor."""
    found: dict[bytes, Slot] = {}
    for replica in replicas:
        for key, slot in replica.items():
            if beats(slot, found.get(key)):
                found[key] = slot
    return found
