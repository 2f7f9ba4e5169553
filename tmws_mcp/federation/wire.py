"""What goes over the wire: entries and slots, authenticated, checked before they are believed.

Typed msgpack arrays. A message is looked at in this order: its size, its MAC, its types, and then
its values, which is a pure function of the bytes: a check that asked the receiver's clock or store
would take on one instance what it refuses on another, and they would never agree.
"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from tmws_mcp.federation.slots import GONE, KINDS, REDACTED, forgets
from tmws_mcp.model.federation import Slot

VERSION = 1
ENTRY_BYTES_MAX = 256 * 1024
ENTRY_SLOTS_MAX = 500
BODY_BYTES_MAX = 8 * 1024
KEY_BYTES_MAX = 512
ACTOR_CHARS = 16
TAG_BYTES = 8
SEQ_MAX = 2**53
"""Lua's numbers are doubles."""
MAC_BYTES = 16
NUMBER_DIGITS = 16
HEADER_BYTES = 2 * NUMBER_DIGITS + MAC_BYTES
KEYS_MAX = 4
"""The key in use, and those that it replaces."""
KEYS_KEPT = 64


class Refused(Exception):
    """A message that is not believed; the text says why, for the log."""


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """All slots of an actor with start < seq <= end; where both are 0, some of its slots."""

    version: int
    actor: str
    start: int
    end: int
    tag: bytes
    slots: list[Slot]


UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding rubbish raises: text that is no UTF-8 is a plain ValueError."""

_decode = msgspec.msgpack.Decoder(Entry).decode
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of a namespace: the first one signs, each of them is believed."""

    namespace: str
    keys: tuple[bytes, ...]

    def sign(self, *parts: bytes) -> bytes:
        """Return the MAC of these parts in this order."""
        return mac_of(self.keys[0], self.joined(*parts))

    def is_signed(self, mac: bytes, *parts: bytes) -> bool:
        """Tell whether one of the keys made the MAC."""
        return self.has_made(mac, self.joined(*parts))

    def has_made(self, mac: bytes, told: bytes) -> bool:
        """Tell whether one of the keys made the MAC of parts that are joined already."""
        return any(hmac.compare_digest(mac, mac_of(key, told)) for key in self.keys)

    def joined(self, *parts: bytes) -> bytes:
        """Return parts, each with its length, after the namespace: what is signed."""
        return self.namespace.encode() + b"".join([b"|%d|%b" % (len(part), part) for part in parts])


def mac_of(key: bytes, told: bytes) -> bytes:
    """Return HMAC-SHA256 (RFC 2104) from states that have the key already: in a third of the time.

    Each slot takes two, and OpenSSL makes the key's state anew for each.
    """
    inner, outer = _keyed(key)
    within, around = inner.copy(), outer.copy()
    within.update(told)
    around.update(within.digest())
    return around.digest()[:MAC_BYTES]


@lru_cache(maxsize=KEYS_KEPT)
def _keyed(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    block = hashlib.sha256().block_size
    padded = (hashlib.sha256(key).digest() if len(key) > block else key).ljust(block, b"\0")
    return (
        hashlib.sha256(bytes(byte ^ 0x36 for byte in padded)),
        hashlib.sha256(bytes(byte ^ 0x5C for byte in padded)),
    )


def sealed(entry: Entry, keyring: Keyring) -> tuple[bytes, bytes]:
    """Return an entry as bytes, and their MAC."""
    raw = _encode(entry)
    return raw, keyring.sign(b"entry", raw)


def opened(raw: bytes, mac: bytes, keyring: Keyring) -> Entry:
    """Return the entry that somebody with the key has sent.

    Raises:
        Refused: It is too large, not signed, or not sound.
    """
    if len(raw) > ENTRY_BYTES_MAX:
        raise Refused(f"entry of {len(raw)} bytes")
    if not keyring.is_signed(mac, b"entry", raw):
        raise Refused("entry without the namespace's key")
    try:
        entry = _decode(raw)
    except UNREADABLE as error:
        raise Refused(f"entry of other types: {error}") from error
    if (problem := _problem(entry)) is not None:
        raise Refused(problem)
    return entry


def _problem(entry: Entry) -> str | None:
    if entry.version != VERSION:
        return f"entry of protocol version {entry.version}"
    if not is_actor(entry.actor) or len(entry.tag) not in (0, TAG_BYTES):
        return "entry of no actor"
    if not 0 <= entry.start <= entry.end < SEQ_MAX or len(entry.slots) > ENTRY_SLOTS_MAX:
        return "entry out of bounds"
    return next(filter(None, map(slot_problem, entry.slots)), None)


def is_actor(name: str) -> bool:
    """Tell whether this can be an actor's id: 16 hex digits."""
    return len(name) == ACTOR_CHARS and not name.strip("0123456789abcdef")


def slot_problem(slot: Slot) -> str | None:
    """Return what is wrong with the outside of a slot; bodies.py looks into it."""
    if not 1 < len(slot.key) <= KEY_BYTES_MAX or slot.key[:1] not in KINDS:
        return "slot of no kind"
    if not (0 <= slot.gen < SEQ_MAX and 0 < slot.seq < SEQ_MAX):
        return "slot out of bounds"
    if len(slot.body) > BODY_BYTES_MAX:
        return f"slot of {len(slot.body)} bytes"
    if forgets(slot) and (slot.body != GONE or not slot.gen):
        return "tombstone with a body"
    return None


def stored(actor: str, slot: Slot, keyring: Keyring) -> bytes:
    """Return a slot as a hub keeps it: gen, seq, MAC when redacted [, MAC, body].

    The hub cuts the second part off when it redacts, without having the key. Numbers are decimal
    text: comparing binary strings in Lua follows the server's locale.
    """
    key = keyring.keys[0]
    header = b"%0*d%0*d" % (NUMBER_DIGITS, slot.gen, NUMBER_DIGITS, slot.seq)
    told = keyring.joined(b"slot", actor.encode(), slot.key, header)
    value = header + mac_of(key, _of_body(told, REDACTED))
    if slot.body == REDACTED:
        return value
    return value + mac_of(key, _of_body(told, slot.body)) + slot.body


def _of_body(told: bytes, body: bytes) -> bytes:
    return b"%b|%d|%b" % (told, len(body), body)


def restored(actor: str, key: bytes, value: bytes, keyring: Keyring) -> Slot:
    """Return the slot that a hub kept.

    Raises:
        Refused: It is too large, not signed, or not sound.
    """
    if not HEADER_BYTES <= len(value) <= HEADER_BYTES + MAC_BYTES + BODY_BYTES_MAX:
        raise Refused(f"stored slot of {len(value)} bytes")
    header, blank_mac = value[: 2 * NUMBER_DIGITS], value[2 * NUMBER_DIGITS : HEADER_BYTES]
    mac, body = value[HEADER_BYTES:][:MAC_BYTES], value[HEADER_BYTES + MAC_BYTES :]
    told = keyring.joined(b"slot", actor.encode(), key, header)
    if not keyring.has_made(mac if body else blank_mac, _of_body(told, body)):
        raise Refused("stored slot without the namespace's key")
    slot = Slot(key, int(header[:NUMBER_DIGITS]), int(header[NUMBER_DIGITS:]), body)
    if (problem := slot_problem(slot)) is not None:
        raise Refused(problem)
    return slot
