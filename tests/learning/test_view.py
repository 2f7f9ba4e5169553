"""What is kept of the counts changes no answer, and is bounded."""

from itertools import cycle
from typing import Any

import pytest

from tests.learning.desk import NOW, SCOPE, counts, temporary
from tmws_mcp.learning import recommend, sessions
from tmws_mcp.learning.view import LEARNING, RECENT, RECENT_MAX, Entries, Shelf, View
from tmws_mcp.model import ObserveRequest, RecommendRequest
from tmws_mcp.store import evidence, learned, namespaces
from tmws_mcp.store.driver import Connection

TOOLS = ("search", "edit", "test", "search", "run")


def tell(db: Connection, shelf: Shelf | None, **told: Any) -> None:
    sessions.observe(db, ObserveRequest(**told), SCOPE, connection="c", now=NOW, shelf=shelf)
    if shelf is not None:
        shelf.confirm()


def ask(db: Connection, shelf: Shelf | None, **asked: Any) -> object:
    return recommend.recommend(
        db, RecommendRequest(**asked), SCOPE, connection="c", now=NOW, shelf=shelf
    )


def lived(db: Connection, shelf: Shelf | None, *, asking: bool) -> list[object]:
    """Work through some sessions, with or without a question before each step."""
    replies = []
    for number in range(6):
        about = {"session_id": f"s{number}", "task": f"fix module {number % 3}"}
        for place, tool in enumerate(TOOLS[number % 2 :]):
            if asking:
                replies.append(ask(db, shelf, want="next", **about))
            tell(db, shelf, tool_used=tool, success=(number + place) % 4 > 0, **about)
        tell(db, shelf, session_id=f"s{number}", outcome="success")
    return replies


def state(db: Connection) -> object:
    return counts(db), db.rows("SELECT * FROM blend"), db.rows("SELECT * FROM context WHERE n > 0")


def test_what_is_kept_changes_no_recommendation_and_no_count() -> None:
    with temporary() as db:
        fresh, without = lived(db, None, asking=True), state(db)
        actor = db.rows("SELECT value FROM meta WHERE key = 'actor'")
    with temporary() as db:
        db.run("UPDATE meta SET value = ? WHERE key = 'actor'", actor[0])
        kept, within = lived(db, Shelf(), asking=True), state(db)

    assert kept == fresh
    assert within == without


def test_what_is_kept_follows_what_was_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "PRUNED_EACH", 16)
    monkeypatch.setattr(evidence, "CONTEXT_ROWS_MAX", 60)
    found = []
    for shelf in (None, Shelf()):
        with temporary() as db:
            db.run("UPDATE meta SET value = 'feed' WHERE key = 'actor'")
            found.append((lived(db, shelf, asking=True), state(db)))

    assert found[0] == found[1]


def test_a_context_with_too_many_actions_is_not_counted_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evidence, "ACTIONS_READ_MAX", 3)
    shelf = Shelf()
    with temporary() as db:
        lived(db, shelf, asking=True)
        kept = View(db, 1, shelf).followers("task_word", [""])[0]

    assert len(kept) <= 3


def test_a_question_before_a_step_changes_nothing_that_the_step_teaches() -> None:
    found = []
    for asking in (True, False):
        with temporary() as db:
            db.run("UPDATE meta SET value = 'feed' WHERE key = 'actor'")
            lived(db, Shelf(), asking=asking)
            found.append(state(db))

    assert found[0] == found[1]


def test_the_cases_kept_are_bounded() -> None:
    with temporary() as db:
        tell(db, None, tool_used="a")
        view = View(db, 1, Shelf())
        for number in range(3 * RECENT_MAX):
            for most in (RECENT_MAX, 4):
                view.recent(number, lambda: "made", most=most)
                assert 0 < len(view.kept((RECENT, most), dict)) <= most


def test_what_was_said_to_a_question_is_not_found_after_an_observation() -> None:
    shelf = Shelf()
    with temporary() as db:
        tell(db, shelf, tool_used="a", session_id="s")
        view = View(db, 1, shelf)
        view.put_case("said")
        assert View(db, 1, shelf).last_case() == "said"
        tell(db, shelf, tool_used="b", session_id="s")

        assert View(db, 1, shelf).last_case() is None


def test_weights_are_kept_as_they_would_be_read_again() -> None:
    shelf = Shelf()
    with temporary() as db:
        lived(db, shelf, asking=True)
        known, fresh = View(db, 1, shelf).weights(), View(db, 1).weights()
        situations = [row[0] for row in db.rows("SELECT situation FROM blend")]
        kept = {name: row for name, row in known.known.rows.items() if name in situations}

        assert set(kept) == set(situations)
        fresh.of(situations)
        assert kept == fresh.rows


def test_weights_of_a_transaction_that_failed_are_never_taken_over() -> None:
    shelf = Shelf()
    with temporary() as db:
        lived(db, shelf, asking=True)
        before = View(db, 1, shelf).weights().of(("any",))
        db.rows("BEGIN")
        about = {"session_id": "s9", "task": "fix module 1"}
        sessions.observe(
            db, ObserveRequest(tool_used="edit", **about), SCOPE, connection="c", now=NOW,
            shelf=shelf,
        )  # fmt: skip
        db.rows("ROLLBACK")
        tell(db, shelf, session_id="never opened", outcome="unknown")

        assert View(db, 1, shelf).weights().of(("any",)) == before


def test_outcomes_are_kept_as_they_would_be_read_again() -> None:
    shelf = Shelf()
    with temporary() as db:
        lived(db, shelf, asking=True)
        about = {"session_id": "s9", "task": "fix module 1"}
        for _ in range(2):
            ask(db, shelf, want="next", **about)
            tell(db, shelf, tool_used="edit", **about)
        generation = namespaces.generation(db, 1, LEARNING)
        kept = shelf.outcomes.at(1, generation)

        assert kept.places
        assert kept.slots
        assert kept.tracks
        assert kept.patterns
        for place, tallies in kept.places.items():
            read = evidence.tallies(db, 1, *place)
            assert list(tallies.items()) == list(read.items())
        for slot, tally in kept.slots.items():
            assert tally == evidence.tally(db, 1, *slot)
        for (kind, key), counted in kept.tracks.items():
            assert counted == evidence.followers(db, 1, kind, [key]).get(key, {})
        there = learned.known(db, 1, tuple(kept.patterns))
        assert {one for one, is_there in kept.patterns.items() if is_there} == there


def test_what_another_process_counted_is_seen_at_once() -> None:
    """Two processes on one store take turns, each with a shelf of its own."""
    found = []
    for shelves in ((None,), (Shelf(), Shelf())):
        with temporary() as db:
            turn, replies = cycle(shelves), list[object]()
            for number, tool in enumerate(TOOLS * 5):
                about = {"session_id": f"s{number // 7}", "task": f"fix module {number % 2}"}
                replies.append(ask(db, next(turn), want="next", **about))
                tell(db, next(turn), tool_used=tool, success=number % 3 > 0, **about)
                replies += [ask(db, shelf, want="next", **about) for shelf in shelves[:1]]
                if number % 7 == 6:
                    tell(db, next(turn), session_id=about["session_id"], outcome="success")
            found.append(replies)

    assert found[0] == found[1]


def test_outcomes_of_a_transaction_that_failed_are_never_taken_over() -> None:
    shelf = Shelf()
    about = {"session_id": "s9", "task": "fix module 1"}
    with temporary() as db:
        lived(db, shelf, asking=True)
        db.rows("BEGIN")
        sessions.observe(
            db, ObserveRequest(tool_used="edit", success=False, **about), SCOPE, connection="c",
            now=NOW, shelf=shelf,
        )  # fmt: skip
        db.rows("ROLLBACK")
        tell(db, shelf, tool_used="test", **about)

        assert ask(db, shelf, want="next", **about) == ask(db, None, want="next", **about)


def test_a_transaction_confirms_its_own_promises_alone() -> None:
    shelf = Shelf()
    first, second = shelf.for_one(), shelf.for_one()
    first.contexts.promise(1, 1, Entries({}, {"of": "first"}))
    second.begin()  # the next one begins before the first comes to confirm
    second.contexts.promise(1, 2, Entries({}, {"of": "second"}))

    first.confirm()

    assert shelf.entries(1, 1).made == {"of": "first"}
    assert shelf.entries(1, 2).made == {}, "the second may yet fail"


def test_what_is_confirmed_late_puts_nothing_back() -> None:
    shelf = Shelf()
    first, second = shelf.for_one(), shelf.for_one()
    first.contexts.promise(1, 1, Entries({}, {"of": "first"}))
    second.contexts.promise(1, 2, Entries({}, {"of": "second"}))

    second.confirm()
    first.confirm()

    assert shelf.entries(1, 2).made == {"of": "second"}
