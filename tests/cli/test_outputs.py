"""What a person reads of the inspector, whole: a change of it shows here.

Ids, days, measured values and the spaces of the columns are left out;
`pytest --inline-snapshot=fix` writes the snapshots anew.
"""

import json
import re

import pytest
from inline_snapshot import snapshot

STEPS = [
    {"task": "mend the build", "tool_used": "make", "success": False, "error": "no rule"},
    {"task": "mend the build", "tool_used": "configure", "outcome": "success"},
]
VARIABLE = (
    (re.compile(r"\b[0-9a-f]{16}\b"), "ACTOR"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "LEARNED"),
    (re.compile(r"\bm[a-z0-9]{10}\b"), "MEMORY"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|\+00:00)?)?(?: \d\d:\d\d(?::\d\d)?)?"), "DAY"),
    (re.compile(r"\b[\d.]+ ms\b"), "N ms"),
    (re.compile(r"\b\d\.\d+\b"), "SHARE"),
    (re.compile(r"(?<=about )\d+(?= tokens)"), "N"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"[─━-]{3,}(?: [─━-]{3,})*"), "---"),
)


@pytest.fixture
def lived(stored):
    """The command line, on a store with memories and something learned."""
    arguments = json.dumps({"session_id": "s", "interactions": STEPS})
    assert stored("inspect", "call", "observe_interaction", arguments).exit_code == 0
    return stored


def said(result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    text = result.stdout
    for pattern, name in VARIABLE:
        text = pattern.sub(name, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_recall(lived):
    assert said(lived("inspect", "recall", "port of the service")) == snapshot(
        [
            "id score found by content",
            "---",
            "MEMORY SHARE words, kindred, meaning D-1: The service listens on port 8931",
            "namespaces test, user (by setting)",
            "tier hybrid",
            "about N tokens (estimated) for the model",
        ]
    )


def test_memories(lived):
    assert said(lived("inspect", "memories")) == snapshot(
        [
            "id kind created content",
            "---",
            "MEMORY semantic DAY The lights are green",
            "MEMORY procedural DAY Releases happen on Tuesday",
            "MEMORY semantic DAY D-1: The service listens on port 8931",
            "namespaces test, user (by setting)",
            "tier hybrid",
            "about N tokens (estimated) for the model",
        ]
    )


def test_route(lived):
    assert said(lived("inspect", "route", "check our decisions")) == snapshot(
        [
            "pattern hybrid.compare_with_decision",
            "matched by exact",
            "route hybrid",
            "confidence SHARE",
            "why matched hybrid.compare_with_decision by exact trigger, confidence 1",
            "why routed hybrid (1): the pattern has infrastructure steps; the pattern has memory steps; the",
            "query asks for something earlier",
            "namespaces test, user",
            "not taken score why",
            "---",
            "memory SHARE the pattern has memory steps; the query asks for something earlier",
            "infrastructure SHARE the pattern has infrastructure steps",
        ]
    )


def test_learned(lived):
    assert said(lived("inspect", "learned")) == snapshot(
        [
            "id kind learned seen worked at least",
            "---",
            'LEARNED tool_usage for tasks like "mend the build" use 1 60 % 21 %',
            "configure: worked in 1 of 1 run, last",
            "DAY",
            "LEARNED error_recovery when make fails with 'no rule', call 1 60 % 21 %",
            "configure: worked in 1 of 1 run, last",
            "DAY",
        ]
    )


def test_why_of_what_was_learned(lived):
    [pattern] = json.loads(lived("inspect", "learned", "--kind", "error_recovery", "--json").stdout)

    assert said(lived("inspect", "why", pattern["pattern_id"])) == snapshot(
        [
            "learned LEARNED",
            "kind error_recovery",
            "summary when make fails with 'no rule', call configure: worked in 1 of 1 run, last",
            "DAY",
            "evidence Seen once, it worked once; the true share is hardly below 21 %. The evidence is",
            "thin.",
            "success rate 60 %",
            "first seen DAY",
            "last seen DAY",
            "version 1",
            "instances 1",
            "actors ACTOR",
            "definition",
            "tool make",
            "template no rule",
            "class other",
            "masks 1",
            "repair configure",
            "history",
            "day seen worked share version",
            "---",
            "DAY 1 1 100 % 1",
        ]
    )


def test_why_of_a_memorys_rank(lived):
    assert said(lived("inspect", "why", "--recall", "port of the service")) == snapshot(
        [
            "memory score words kindred meaning length it says",
            "---",
            "MEMORY SHARE SHARE SHARE SHARE SHARE D-1: The service listens on port 8931",
        ]
    )


def test_why_of_a_recommendation(lived):
    asked = '{"recent_steps": [{"tool": "make", "ok": false, "error": "no rule"}]}'

    assert said(lived("inspect", "call", "get_recommendations", asked)) == snapshot(
        [
            "1. configure, confidence SHARE, success SHARE: ended such errors; worked in 1 of 1 run, last DAY after this error [LEARNED]",
            "2. make, confidence SHARE (0 of 1)",
            "(namespace test)",
            "about N tokens (estimated) for the model",
        ]
    )


def test_diff(lived):
    assert said(lived("inspect", "diff")) == snapshot(
        [
            "id learned runs worked before after",
            "---",
            "LEARNED when make fails with 'no rule', call 1 1 100 % new",
            "configure",
            'LEARNED for tasks like "mend the build" use 1 1 100 % new',
            "configure",
        ]
    )
