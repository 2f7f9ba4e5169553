"""What may leave an instance: an allow-list, and the cipher under which its keys go.

Kinds of counts that stand here leave, with keys that are fingerprints and actions that look like
names. Fingerprints alone would let whoever reads the hub try out texts: they go enciphered under
the namespace's key (a Feistel network of four rounds over 64 bits; Luby and Rackoff, 1988), so
that an instance that has the key gets the fingerprint that it knows, and nobody else gets anything.
"""

import hashlib
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

import msgspec

from tmws_mcp.federation.slots import CONTEXT, OUTCOME, TASK
from tmws_mcp.federation.wire import UNREADABLE

OUTCOMES = frozenset(
    {"all", "tool", "task_tool", "task", "repair", "sequence", "variant", "pattern"}
)
CONTEXTS = frozenset({"ngram", "skip", "after_error", "repeat", "task_word", "turn_word"})
"""Calibration and credit of the blend's weights are each instance's own."""
PREFIXES = {"": b"h", "task:": b"t", "metadata:": b"m"}
PLAIN = {"": b"", "*": b"*"}
ROUNDS = 4
KEYS_KEPT, NAMES_KEPT = 100_000, 10_000
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,79}")
"""Paths, addresses, sentences and the like are no names."""

_SHAPES = {prefix: name for name, prefix in PREFIXES.items()}
_PLAIN = {told: key for key, told in PLAIN.items()}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, bytes, str]).decode


class Place(NamedTuple):
    """What is counted, as learning names it."""

    kind: str
    key: str
    action: str


class Seal:
    """Keys of counts, and how they look to others; `secret` is the namespace's."""

    def __init__(self, secret: bytes, namespace: str, denied: Sequence[str] = ()) -> None:
        told = hashlib.blake2b(namespace.encode(), key=secret[:64], digest_size=32)
        self._secret = told.digest()
        self._rounds = tuple(self._begun(number) for number in range(ROUNDS))
        self._denied = tuple(denied)
        self._turned = lru_cache(maxsize=KEYS_KEPT)(self._turn)
        self._may_name = lru_cache(maxsize=NAMES_KEPT)(self._looks_like_a_name)
        self._shown = lru_cache(maxsize=KEYS_KEPT)(self._show)
        self._hidden = lru_cache(maxsize=KEYS_KEPT)(self._hide_place)

    def hidden(self, slot: bytes, place: Place) -> bytes | None:
        """Return the slot's key on the wire, None if this may not leave."""
        return self._hidden(slot, place)

    def _hide_place(self, slot: bytes, place: Place) -> bytes | None:
        allowed = {OUTCOME: OUTCOMES, CONTEXT: CONTEXTS, TASK: {"task"}}[slot]
        if place.kind not in allowed or not self.may_name(place.action):
            return None
        key = self._hide(place.key)
        return None if key is None else slot + _encode((place.kind, key, place.action))

    def may_name(self, action: str) -> bool:
        """Tell whether a name of a tool, a method or a pattern may leave; "" is none."""
        return self._may_name(action)

    def _looks_like_a_name(self, action: str) -> bool:
        return not action or (NAME.fullmatch(action) is not None and not self.is_denied(action))

    def is_denied(self, name: str) -> bool:
        """Tell whether the user has said that this name stays here."""
        return bool(self._denied) and any(fnmatchcase(name, pattern) for pattern in self._denied)

    def shown(self, key: bytes) -> Place | None:
        """Return what a slot's key on the wire stands for, None where it cannot be read."""
        try:
            kind, told, action = _decode(key[1:])
        except UNREADABLE:
            return None
        local = self._shown(told)
        return None if local is None else Place(kind, local, action)

    def word(self, key: str) -> str:
        """Return the fingerprint of a word as it goes to others."""
        return self._turned(bytes.fromhex(key), forth=True).hex()

    def plain_word(self, told: str) -> str:
        """Return the fingerprint that this instance knows a word by."""
        if not FINGERPRINT.fullmatch(told):
            return told
        return self._turned(bytes.fromhex(told), forth=False).hex()

    def _hide(self, key: str) -> bytes | None:
        if key in PLAIN:
            return PLAIN[key]
        prefix, digits = key[:-16], key[-16:]
        if prefix not in PREFIXES or not FINGERPRINT.fullmatch(digits):
            return None
        return PREFIXES[prefix] + self._turned(bytes.fromhex(digits), forth=True)

    def _show(self, told: bytes) -> str | None:
        if told in _PLAIN:
            return _PLAIN[told]
        prefix = _SHAPES.get(told[:1])
        if prefix is None or len(told) != 1 + 8:
            return None
        return prefix + self._turned(told[1:], forth=False).hex()

    def _turn(self, block: bytes, *, forth: bool) -> bytes:
        left, right = int.from_bytes(block[:4]), int.from_bytes(block[4:])
        if forth:
            for begun in self._rounds:
                left, right = right, left ^ _hashed(begun, right)
        else:
            for begun in reversed(self._rounds):
                left, right = right ^ _hashed(begun, left), left
        return (left << 32 | right).to_bytes(8)

    def _begun(self, number: int) -> "hashlib.blake2b":
        return hashlib.blake2b(bytes([number]), key=self._secret, digest_size=4)


def _hashed(begun: "hashlib.blake2b", half: int) -> int:
    """Return a round of half a block, from a state that has the key already."""
    state = begun.copy()
    state.update(half.to_bytes(4))
    return int.from_bytes(state.digest())
