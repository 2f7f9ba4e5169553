"""Ranking: signals over a pool of candidates, and their sum."""

import doctest
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.memory.language import traits
from tmws_mcp.memory.language.dates import spans
from tmws_mcp.memory.language.traits import Trait
from tmws_mcp.memory.search import ranking, signals, variety
from tmws_mcp.memory.search.pool import NOBODY, REACH, Pool, Question, neighbours
from tmws_mcp.memory.search.ranking import SIGNALS, fused, ranked
from tmws_mcp.memory.search.said import NEAR_MIN, nearest_said
from tmws_mcp.memory.search.variety import COST, varied

NONE = np.zeros(0, np.float32)


def asked(text: str = "where is the red boat", *, terms: int = 2) -> Question:
    return Question(
        text=text,
        df=np.full(terms, 3),
        documents=100,
        thread_df=np.full(terms, 2),
        threads=10,
        name_terms=np.zeros(terms, bool),
        piece_df=np.full(0, 1),
        vector=np.zeros(4, np.float32),
    )


def pool(
    tf: Sequence[Sequence[float]],
    *,
    threads: Sequence[int] | None = None,
    positions: Sequence[int] | None = None,
    candidates: int | None = None,
) -> Pool:
    n = len(tf)
    count = n if candidates is None else candidates
    of = np.array(threads if threads is not None else [NOBODY] * n, np.int64)
    places = np.array(positions if positions is not None else range(n), np.int64)
    terms = np.array(tf, np.float32)
    return Pool(
        ids=np.arange(1, n + 1),
        candidates=count,
        around=neighbours(of, places, count),
        threads=of,
        actors=("",) * n,
        traits=np.zeros(n, np.uint8),
        chars=np.full(n, 80, np.float32),
        happened_at=np.full(n, np.nan),
        keys=np.zeros(n, np.float32),
        vectors=np.zeros((n, 4), np.float32),
        tf=terms,
        length=np.full(n, 10, np.float32),
        thread_tf=np.zeros((count, terms.shape[1]), np.float32),
        thread_length=np.full(count, 100, np.float32),
        said=np.zeros((n, 0), np.float32),
    )


@pytest.mark.parametrize("module", [traits, variety])
def test_examples_in_the_docstrings(module) -> None:
    assert doctest.testmod(module).failed == 0


def test_who_says_more_of_the_query_comes_first() -> None:
    found = ranked(asked(), pool([[1, 0], [1, 1], [0, 0]]))

    assert found.order.tolist() == [1, 0, 2]


def test_among_equals_the_newer_one_is_first() -> None:
    assert ranked(asked(), pool([[1, 0], [1, 0]])).order.tolist() == [1, 0]


def test_what_was_said_before_counts_for_a_turn() -> None:
    rows = pool([[0, 0], [1, 1], [0, 0]], threads=[7, 7, 8], positions=[1, 0, 0], candidates=1)
    alone = replace(rows, around=neighbours(np.array([7, 8, 8]), np.array([1, 0, 1]), 1))

    assert signals.words(asked(), rows)[0] > 0
    assert signals.words(asked(), alone)[0] == 0


def test_memories_that_stand_alone_lend_each_other_nothing() -> None:
    rows = pool([[0, 0], [1, 1]])

    assert signals.words(asked(), rows).tolist() == [0, 1]
    for signal in (signals.thread, signals.answer, signals.asks):
        assert not signal(asked(), rows).any()


def test_a_forgotten_turn_leaves_a_gap() -> None:
    around = neighbours(np.array([7, 7, NOBODY]), np.array([0, 2, 1]), 3)

    assert around[REACH + 1].tolist() == [NOBODY, NOBODY, NOBODY]
    assert around[REACH + 2].tolist() == [1, NOBODY, NOBODY]


def test_a_question_in_a_thread_lends_its_words_to_the_answer() -> None:
    rows = pool([[1, 1], [0, 0]], threads=[7, 7])
    rows = replace(rows, traits=np.array([Trait.ASKS, 0], np.uint8))

    assert signals.answer(asked(), rows).tolist() == [0, 1]
    assert signals.asks(asked(), rows).tolist() == [1, 0]


def test_a_memory_that_stands_alone_may_be_a_question() -> None:
    rows = replace(pool([[1, 1]]), traits=np.array([Trait.ASKS], np.uint8))

    assert signals.asks(asked(), rows).tolist() == [0]


def test_the_thread_that_was_about_it_lifts_its_turns() -> None:
    rows = pool([[0, 0], [0, 0]], threads=[7, 8])
    rows = replace(rows, thread_tf=np.array([[5, 5], [0, 0]], np.float32))

    assert signals.thread(asked(), rows).tolist() == [1, 0]


def test_a_name_is_a_matter_of_the_actor_not_of_the_words() -> None:
    question = replace(asked(), name_terms=np.array([True, False]), named=frozenset({"Ann"}))
    rows = replace(pool([[5, 0], [0, 1], [0, 0]]), actors=("Bob", "Bob", "Ann"))

    assert signals.words(question, rows).tolist() == [0, 1, 0]
    assert signals.actor(question, rows).tolist() == [0, 0, 1]


def test_a_query_of_nothing_but_a_name_looks_for_the_name() -> None:
    question = replace(asked(terms=1), name_terms=np.array([True]))

    assert signals.words(question, pool([[1], [0]])).tolist() == [1, 0]


def test_the_time_that_a_query_names_lifts_what_happened_then() -> None:
    moments = [datetime(2023, 5, 8, 12, tzinfo=UTC), datetime(2023, 5, 12, tzinfo=UTC)]
    moments += [datetime(2023, 5, 7, tzinfo=UTC), datetime(2023, 9, 1, tzinfo=UTC)]
    times = np.array([*(moment.timestamp() for moment in moments), np.nan])
    rows = replace(pool([[0, 0]] * 5), happened_at=times)
    question = replace(asked(), spans=spans("on 8 May 2023", 1.7e9))

    on, later, earlier, months_later, unknown = signals.date(question, rows)
    assert on == 1
    assert 0.5 < later < on
    assert 0.5 < earlier < on
    assert months_later == unknown == 0


def test_a_day_without_a_year_fits_each_year() -> None:
    moments = [datetime(year, 5, 8, 12, tzinfo=UTC) for year in (1999, 2022, 2023)]
    other = datetime(2022, 11, 8, tzinfo=UTC)
    times = np.array([moment.timestamp() for moment in [*moments, other]])
    question = replace(asked(), spans=spans("on 8 May", 1.7e9))

    fit = signals.date(question, replace(pool([[0, 0]] * 4), happened_at=times))
    assert fit[:3].min() > 0.8
    assert fit[3] < 0.05


def test_a_question_for_a_time_wants_a_text_that_has_one() -> None:
    rows = pool([[0, 0], [0, 0]])
    rows = replace(rows, traits=np.array([Trait.TIME, Trait.NUMBER], np.uint8))

    assert signals.kind(asked("when was it"), rows).tolist() == [1, 0]
    assert signals.kind(asked("how many were there"), rows).tolist() == [0, 1]
    assert signals.kind(asked("where was it"), rows).tolist() == [0, 0]


def test_a_literal_key_outweighs_all_else_together() -> None:
    others = sum(weight for name, (weight, _) in SIGNALS.items() if name != "key" and weight > 0)

    assert SIGNALS["key"][0] > others


def test_what_is_said_with_a_kindred_word_is_found() -> None:
    rows = {1: [1.0, 0.0], 2: [0.8, 0.6], 3: [0.0, 1.0]}

    def directions(ids: list[int]) -> np.ndarray:
        return np.array([rows[i] for i in ids], np.float32)

    said = nearest_said([1], np.array([2, 3, 3], np.uint16), np.array([0, 2, 2, 3]), directions)
    assert said[:, 0].tolist() == pytest.approx([0.8, 0.0, 0.0])
    assert NEAR_MIN < 0.8


def test_meaning_needs_vectors_and_gives_nothing_without() -> None:
    question = replace(asked(), vector=np.array([1, 0, 0, 0], np.float32))
    rows = pool([[0, 0], [0, 0]])

    assert signals.meaning(question, rows).tolist() == [0, 0]
    near = replace(rows, vectors=np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32))
    assert signals.meaning(question, near)[0] == 1


def test_shares_sum_to_the_whole() -> None:
    found = ranked(asked(), pool([[1, 0], [1, 1]], threads=[7, 7]))

    assert set(found.explained(0)) == set(SIGNALS)
    assert sum(found.explained(1).values()) == pytest.approx(float(found.sums[1]), abs=0.01)


def test_without_candidates_the_order_is_empty() -> None:
    assert ranked(asked(), pool(np.zeros((0, 2)))).order.tolist() == []


def test_a_query_without_words_ranks_all_the_same() -> None:
    assert sorted(ranked(asked(terms=0), pool(np.zeros((2, 0)))).order.tolist()) == [0, 1]


def test_a_question_for_several_things_looks_into_several_threads() -> None:
    order, threads = np.array([0, 1, 2]), np.array([7, 7, 8])

    near = np.array([1.0, 0.9, 0.9 - COST / 2], np.float32)
    far = np.array([1.0, 0.9, 0.9 - COST * 2], np.float32)
    assert varied(order, near, threads).tolist() == [0, 2, 1]
    assert varied(order, far, threads).tolist() == [0, 1, 2]


def test_memories_that_stand_alone_are_not_held_against_each_other() -> None:
    sums = np.array([1.0, 0.99, 0.98], np.float32)

    assert varied(np.arange(3), sums, np.full(3, NOBODY)).tolist() == [0, 1, 2]


@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.integers(0, 4)), max_size=90))
def test_variety_loses_and_adds_nothing(rows: list[tuple[float, int]]) -> None:
    sums = np.array([one for one, _ in rows], np.float32)
    order = np.argsort(-sums, kind="stable")

    found = varied(order, sums, np.array([thread for _, thread in rows], np.int64))
    assert sorted(found.tolist()) == sorted(order.tolist())


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([NOBODY, 5, 6])),
        max_size=12,
    )
)
def test_every_signal_is_finite_and_between_0_and_1(rows: list[tuple[int, int, int]]) -> None:
    found = pool(
        np.array([row[:2] for row in rows], np.float32).reshape(len(rows), 2),
        threads=[thread for *_, thread in rows],
    )
    for name, (_, signal) in SIGNALS.items():
        values = signal(asked(), found)
        assert values.shape == (len(rows),), name
        assert np.isfinite(values).all(), name
        assert ((values >= 0) & (values <= 1)).all(), name


def test_leaving_a_signal_out_leaves_the_others_alone() -> None:
    rows = pool([[1, 0], [1, 1]])
    table = {name: entry for name, entry in SIGNALS.items() if name != "length"}

    assert fused(asked(), rows, table).shares.keys() == SIGNALS.keys() - {"length"}
    assert ranking.fused(asked(), rows, SIGNALS).shares["length"].any()
