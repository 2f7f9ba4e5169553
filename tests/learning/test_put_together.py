"""Sequences that were never run as a whole, put together out of what usually comes next."""

import pytest

from tests.learning.desk import NOW, SCOPE, advised, observed
from tmws_mcp.learning import asking, workflow
from tmws_mcp.learning.view import View
from tmws_mcp.model import RecommendRequest
from tmws_mcp.store import namespaces
from tmws_mcp.store.driver import Connection

RUNS = ("acbdfe", "badcfe", "abdcef", "bacdef", "abcdfe")


def lived(db: Connection) -> None:
    for number, tools in enumerate(RUNS):
        name, task = f"s{number}", f"fix module {number} of the parser"
        for tool in tools:
            observed(db, session_id=name, tool_used=tool, task=task)
        observed(db, session_id=name, outcome="success")


def test_the_longer_it_gets_the_less_of_it_is_likely_to_be_right(db: Connection) -> None:
    lived(db)
    ns = namespaces.find(db, SCOPE.namespace)
    assert ns is not None
    request = RecommendRequest(task="fix module 9 of the parser", want="workflow")
    asked = asking.asked(View(db, ns), request, connection="c", now=NOW)

    on_track = [workflow.expected_steps(asked, length)[1] for length in (1, 3, 6)]

    assert 1 > on_track[0] > on_track[1] > on_track[2] > 0


def test_one_that_is_hardly_on_track_has_little_weight(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(db)
    asking_for = {"task": "fix module 9 of the parser", "want": "workflow"}
    monkeypatch.setattr(workflow, "EXPECTED_WEIGHT", 50.0)
    trusted = advised(db, **asking_for).recommendations[0]

    monkeypatch.setattr(workflow, "ON_TRACK_ENOUGH", 1_000.0)
    doubted = advised(db, **asking_for).recommendations[0]

    assert "".join(trusted.action) not in RUNS
    assert "".join(doubted.action) in RUNS


def foreseen_new(db: Connection) -> None:
    """Runs on one shop after another, each with tools of its own that are named like its task."""
    for number, shop in enumerate(("tulip", "maple", "birch", "cedar", "aspen", "hazel")):
        tools = (f"search_{shop}", f"order_{shop}", "finish")
        for tool in tools:
            observed(
                db, session_id=f"n{number}", tool_used=tool, available_tools=[*tools, "quit"],
                task=f"search and order a present in the {shop} shop",
            )  # fmt: skip
        observed(db, session_id=f"n{number}", outcome="success")


def test_other_tools_take_the_places_of_those_that_cannot_be_called(db: Connection) -> None:
    foreseen_new(db)

    reply = advised(
        db, task="search and order a present in the linden shop", want="workflow",
        available_tools=["search_linden", "order_linden", "finish", "quit"],
    )  # fmt: skip

    best = reply.recommendations[0]
    assert best.action == ("search_linden", "order_linden", "finish")
    assert best.why.startswith("put together")
    assert best.evidence.support == 0
    assert best.success_rate is None


def test_a_tool_with_a_place_of_its_own_takes_no_others(db: Connection) -> None:
    foreseen_new(db)
    observed(db, session_id="q", tool_used="quit", task="leave")
    observed(db, session_id="q", outcome="success")

    reply = advised(
        db, task="search and order a present in the linden shop", want="workflow",
        available_tools=["finish", "quit"],
    )  # fmt: skip

    assert ("quit", "finish") not in [one.action for one in reply.recommendations]


def test_a_tool_that_comes_twice_is_replaced_by_one() -> None:
    filled = workflow._callable(("look", "edit", "look"), ("see", "write"), ("see", "write"))

    assert filled == ("see", "write", "see")
