"""How far others' counts are believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.federation import bodies, trust
from tmws_mcp.federation.bodies import Counts
from tmws_mcp.federation.slots import OUTCOME
from tmws_mcp.model.federation import Slot


def counts(n: int, ok: int, **more: int) -> Counts:
    return Counts(n, ok, 0, 0, {}, 20_000, **more)


def share(told: dict[str, Counts], own: Counts) -> float:
    everybody = [own, *told.values()]
    return sum(one.ok for one in everybody) / sum(one.n for one in everybody)


def test_one_liar_among_ten_moves_a_share_by_less_than_a_twentieth() -> None:
    honest = {f"{n}": counts(42, 8 + n % 4) for n in range(8)}
    own = counts(42, 10)
    truth = share(trust.weighed(honest, own), own)
    lied = share(trust.weighed({**honest, "liar": counts(10**9, 10**9)}, own), own)
    assert abs(lied - truth) < 0.05


def test_an_actor_weighs_no_more_than_its_cap() -> None:
    told = trust.weighed({"a": counts(10**9, 10**8)}, None)["a"]
    assert (told.n, told.ok) == (trust.WEIGHT_MAX, trust.WEIGHT_MAX // 10)


def test_what_was_before_a_change_stays_apart_under_the_cap() -> None:
    told = trust.weighed({"a": counts(1_000, 900, before_n=900, before_ok=890)}, None)["a"]
    assert (told.before_n, told.before_ok) == (50, 49)
    assert (told.n - told.before_n, told.ok - told.before_ok) == (50, 5)


def test_few_counts_are_taken_as_they_are() -> None:
    assert trust.weighed({"a": counts(4, 4)}, counts(3, 1)) == {"a": counts(4, 4)}


@pytest.mark.parametrize(
    ("others", "own", "level", "heard"),
    [(1, False, "team", True), (2, False, "open", False), (3, False, "open", True),
     (1, True, "open", True)],
)  # fmt: skip
def test_strangers_are_heard_where_three_agree_or_oneself_has_seen_it(
    *, others: int, own: bool, level: trust.Trust, heard: bool
) -> None:
    assert trust.heard(others, own=own, trust=level) == heard


@st.composite
def any_counts(draw: st.DrawFn) -> Counts:
    n = draw(st.integers(0, 10**6))
    ok = draw(st.integers(0, n))
    before_ok = draw(st.integers(0, ok))
    before_n = draw(st.integers(before_ok, n - (ok - before_ok)))
    outside_n = draw(st.integers(0, n))
    return counts(
        n, ok, before_n=before_n, before_ok=before_ok, outside_n=outside_n,
        outside_ok=draw(st.integers(0, min(outside_n, ok))),
    )  # fmt: skip


@given(st.lists(any_counts(), min_size=1, max_size=8), st.none() | any_counts())
def test_what_is_believed_could_have_been_counted(told: list[Counts], own: Counts | None) -> None:
    for one in trust.weighed({str(n): one for n, one in enumerate(told)}, own).values():
        assert 0 <= one.before_ok <= one.before_n <= one.n
        assert one.before_ok <= one.ok <= one.n
        assert 0 <= one.outside_ok <= one.outside_n <= one.n


@given(any_counts())
def test_counts_come_out_of_a_body_as_they_went_in(told: Counts) -> None:
    body = bodies.encode(told)
    assert bodies.counts(body) == told
    assert bodies.is_sound(Slot(OUTCOME + b"x", 0, 1, body))


@pytest.mark.parametrize(
    "told",
    [counts(1, 2), counts(2, 1, before_n=3), counts(2, 2, before_n=1, before_ok=2),
     counts(2, 2, outside_n=3)],
)  # fmt: skip
def test_counts_that_could_not_be_are_not_sound(told: Counts) -> None:
    assert not bodies.is_sound(Slot(OUTCOME + b"x", 0, 1, bodies.encode(told)))


@given(st.binary(max_size=100), st.sampled_from([b"ox", b"cx", b"tx"]))
def test_a_body_of_rubbish_is_not_sound_or_can_be_read(body: bytes, key: bytes) -> None:
    assert bodies.is_sound(Slot(key, 0, 1, body)) in (True, False)
