"""Slots divided: on their way out within the limits of entries, on their way in for the lock."""

from collections.abc import Iterator, Sequence

from tmws_mcp.federation.hub import Sealed
from tmws_mcp.federation.wire import ENTRY_BYTES_MAX, VERSION, Entry, Keyring, sealed, stored
from tmws_mcp.model.federation import Mark, Slot

ENTRY_OVERHEAD_BYTES = 128
SLOT_OVERHEAD_BYTES = 32
SLICE_SLOTS = 250
"""Taken in one transaction, which holds the write lock that an observation may wait for."""


def entries(
    actor: str, slots: Sequence[Slot], above: int, mark: Mark, slots_max: int
) -> Iterator[Entry]:
    """Divide slots, in the order of their numbers, into entries without a gap between them."""
    divided = list(parts(slots, slots_max)) or [[]]
    for number, part in enumerate(divided, 1):
        end = mark.seq if number == len(divided) else min(part[-1].seq, mark.seq)
        end = max(above, end)
        yield Entry(VERSION, actor, above, end, mark.tag, part)
        above = end


def parts(slots: Sequence[Slot], slots_max: int) -> Iterator[list[Slot]]:
    """Divide slots so that each part fits into an entry."""
    part: list[Slot] = []
    size = ENTRY_OVERHEAD_BYTES
    for slot in slots:
        room = len(slot.key) + len(slot.body) + SLOT_OVERHEAD_BYTES
        if part and (len(part) >= slots_max or size + room > ENTRY_BYTES_MAX):
            yield part
            part, size = [], ENTRY_OVERHEAD_BYTES
        part.append(slot)
        size += room
    if part:
        yield part


def slices(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Divide entries that came into what one transaction takes; at least one slice, maybe empty."""
    found: list[list[Entry]] = [[]]
    room = SLICE_SLOTS
    for entry in entries:
        if found[-1] and len(entry.slots) > room:
            found.append([])
            room = SLICE_SLOTS
        found[-1].append(entry)
        room -= len(entry.slots)
    return found


def seal(entry: Entry, keyring: Keyring) -> Sealed:
    """Return an entry as a hub gets it."""
    raw, mac = sealed(entry, keyring)
    values = [(slot, stored(entry.actor, slot, keyring)) for slot in entry.slots]
    return Sealed(entry.actor, entry.start, entry.end, entry.tag, values, raw, mac)
