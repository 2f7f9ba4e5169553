"""What is believed of what comes over the wire."""

import hmac
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.federation import wire
from tmws_mcp.federation.wire import Entry, Keyring, Refused, opened, restored, sealed, stored
from tmws_mcp.model.federation import Slot

RING = Keyring("team", (b"new" * 11,))
ACTOR = "0123456789abcdef"
SLOT = Slot(b"oa", 1, 7, b"body")


def entry(slots: Sequence[Slot] = (SLOT,), **changes: object) -> Entry:
    told = {"version": 1, "actor": ACTOR, "start": 0, "end": 9, "tag": b"t" * 8}
    return Entry(**{**told, **changes}, slots=list(slots))


def test_an_entry_comes_out_as_it_went_in() -> None:
    assert opened(*sealed(entry(), RING), RING) == entry()


def test_an_entry_under_an_older_key_is_believed_until_that_key_is_taken_out() -> None:
    raw, mac = sealed(entry(), Keyring("team", (b"old" * 11,)))
    assert opened(raw, mac, Keyring("team", (b"new" * 11, b"old" * 11))) == entry()
    with pytest.raises(Refused, match="key"):
        opened(raw, mac, RING)


def test_an_entry_of_another_namespace_is_refused_even_under_the_same_key() -> None:
    with pytest.raises(Refused, match="key"):
        opened(*sealed(entry(), Keyring("others", RING.keys)), RING)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (entry(version=2), "version 2"),
        (entry(actor="x" * 16), "no actor"),
        (entry(tag=b"short"), "no actor"),
        (entry(start=5, end=4), "out of bounds"),
        (entry(end=2**53), "out of bounds"),
        (entry([SLOT] * (wire.ENTRY_SLOTS_MAX + 1)), "out of bounds"),
        (entry([SLOT._replace(key=b"?a")]), "of no kind"),
        (entry([SLOT._replace(seq=0)]), "out of bounds"),
        (entry([SLOT._replace(gen=-1)]), "out of bounds"),
        (entry([SLOT._replace(body=b"x" * (wire.BODY_BYTES_MAX + 1))]), "8193 bytes"),
        (entry([Slot(b"xoa", 1, 7, b"body")]), "tombstone"),
        (entry([Slot(b"xoa", 0, 7, b"-")]), "tombstone"),
    ],
)
def test_an_entry_that_is_not_sound_is_refused_whoever_signed_it(made: Entry, why: str) -> None:
    with pytest.raises(Refused, match=why):
        opened(*sealed(made, RING), RING)


def test_an_entry_over_the_limit_is_refused_before_anything_else_is_looked_at() -> None:
    with pytest.raises(Refused, match="262145 bytes"):
        opened(b"x" * (wire.ENTRY_BYTES_MAX + 1), b"", RING)


@given(st.binary(max_size=400))
def test_rubbish_under_the_right_key_is_refused_and_never_crashes(raw: bytes) -> None:
    with pytest.raises(Refused):
        opened(raw, RING.sign(b"entry", raw), RING)


def test_a_stored_slot_comes_out_as_it_went_in() -> None:
    assert restored(ACTOR, SLOT.key, stored(ACTOR, SLOT, RING), RING) == SLOT


def test_a_hub_can_redact_a_stored_slot_without_the_key() -> None:
    cut = stored(ACTOR, SLOT, RING)[: wire.HEADER_BYTES]
    assert restored(ACTOR, SLOT.key, cut, RING) == SLOT._replace(body=b"")


@pytest.mark.parametrize("place", [0, 20, 50, -1])
def test_a_stored_slot_that_was_changed_is_refused(place: int) -> None:
    value = bytearray(stored(ACTOR, SLOT, RING))
    value[place] ^= 1
    with pytest.raises(Refused):
        restored(ACTOR, SLOT.key, bytes(value), RING)


def test_a_stored_slot_of_another_actor_is_refused() -> None:
    with pytest.raises(Refused):
        restored("f" * 16, SLOT.key, stored(ACTOR, SLOT, RING), RING)


@given(st.binary(max_size=200))
def test_a_stored_slot_of_rubbish_is_refused(value: bytes) -> None:
    with pytest.raises(Refused):
        restored(ACTOR, b"oa", value, RING)


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=300))
def test_a_signature_is_hmac_sha256(key: bytes, told: bytes) -> None:
    expected = hmac.digest(key, b"team|%d|%b" % (len(told), told), "sha256")[:16]
    assert Keyring("team", (key,)).sign(told) == expected
