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

    assert doubted.confidence < trusted.confidence - 0.1
