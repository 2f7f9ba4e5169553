"""The laws of the merge, for whatever slots there are."""

from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.federation.slots import beats, digest, merged, redacted
from tmws_mcp.model.federation import Slot

KEYS = st.sampled_from([b"oa", b"ob", b"ca"])


@st.composite
def slot(draw: st.DrawFn) -> Slot:
    """What one actor could have written, or one of two stores that write as one."""
    key, gen, seq = draw(KEYS), draw(st.integers(0, 2)), draw(st.integers(1, 4))
    return Slot(key, gen, seq, draw(st.sampled_from([b"one", b"twin", b""])))


@st.composite
def replica(draw: st.DrawFn) -> dict[bytes, Slot]:
    found: dict[bytes, Slot] = {}
    for one in draw(st.lists(slot(), max_size=6)):
        found = merged(found, {one.key: one})
    return found


@given(replica(), replica())
def test_a_merge_commutes(one: dict[bytes, Slot], other: dict[bytes, Slot]) -> None:
    assert merged(one, other) == merged(other, one)


@given(replica(), replica(), replica())
def test_a_merge_associates(
    one: dict[bytes, Slot], other: dict[bytes, Slot], third: dict[bytes, Slot]
) -> None:
    assert merged(merged(one, other), third) == merged(one, merged(other, third))


@given(replica(), replica())
def test_a_merge_repeats_harmlessly(one: dict[bytes, Slot], other: dict[bytes, Slot]) -> None:
    both = merged(one, other)
    assert merged(both, one) == both == merged(both, other)


@given(replica(), replica())
def test_a_merge_never_goes_back(one: dict[bytes, Slot], other: dict[bytes, Slot]) -> None:
    both = merged(one, other)
    assert not any(beats(slot, both[slot.key]) for slot in (*one.values(), *other.values()))


@given(replica(), replica())
def test_replicas_with_one_digest_are_one(one: dict[bytes, Slot], other: dict[bytes, Slot]) -> None:
    same = digest("a" * 16, one.values()) == digest("a" * 16, other.values())
    assert same == (one == other)


@given(slot())
def test_a_redacted_slot_stays_redacted(one: Slot) -> None:
    assert merged({one.key: one}, {one.key: redacted(one)}) == {one.key: redacted(one)}


def test_a_generation_may_go_up_while_the_number_goes_down() -> None:
    old, new = Slot(b"oa", 0, 9, b"old"), Slot(b"oa", 1, 3, b"new")
    assert beats(new, old)
    assert not beats(old, new)
