"""What is learned of examples: which pattern is meant, how surely, and when none is."""

from pathlib import Path

import pytest

from tests.patterns.semantic.world import DEPLOY, learned
from tmws_mcp.patterns import matcher as matching
from tmws_mcp.patterns.catalog import load_catalog
from tmws_mcp.patterns.matcher import Matcher

BROAD = """
    id: memory.{name}
    route: memory
    summary: x
    triggers: {{regex: ['{regex}']}}
    examples: {{match: [{match}]}}
    steps: [{{name: a, recall: "{{query}}"}}]
"""
PEOPLE = (
    "who is our contact at the bank, who looks after the servers, who is Maria from the design "
    "team, who is the customer in Lyon, who is our contact at the agency"
)

CHANGED = (
    "who changed src/app.py lately, latest changes of lib/x/y.js, history of a file, "
    "who changed docs/a.md, who changed a file lately, who changed tests/b.sh lately, "
    "who changed docs/guides/c.md lately and the last 3"
)
WHERE = (
    "where is load_user, where is the text 'x', where is the class UserService, where is parse_x, "
    "where is the UserService now, where is the text 'no such thing' in it"
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("anything I have not committed in this repo", "infrastructure.workspace"),
        ("let me know which rules we follow when naming tests", "memory.conventions"),
    ],
)
def test_a_paraphrase_leads_where_its_examples_lead(
    of_shipped: Matcher, query: str, expected: str
) -> None:
    match = of_shipped.match(query)

    assert (match.pattern, match.matched_by) == (expected, "semantic")
    assert 0.3 <= match.confidence < 1
    assert "nearest example" in match.why


@pytest.mark.parametrize(
    "query",
    [
        "compose a haiku about mountains",
        "what is the population of chile",
        "my shoes are wet",
        "zebra",
        "",
        "日本の首都はどこですか",
    ],
)
def test_what_no_pattern_is_for_is_left_alone(of_shipped: Matcher, query: str) -> None:
    match = of_shipped.match(query)

    assert (match.pattern, match.matched_by, match.confidence) == (None, "none", 0.0)


def test_a_trigger_goes_before_every_guess(of_shipped: Matcher) -> None:
    assert of_shipped.match("git status").matched_by == "exact"


@pytest.mark.parametrize("about", ["8080", "8080 and 5432"])
def test_a_guess_that_lacks_what_it_needs_overrules_no_trigger(
    of_shipped: Matcher, about: str
) -> None:
    assert of_shipped.match(f"what do we know about {about}").pattern == "memory.recall"


def test_a_single_pattern_is_found_and_does_not_take_every_query(pattern, folder: Path) -> None:
    pattern()
    matcher = learned(load_catalog([folder]))

    assert matcher.match("was the rollout to the servers finished").pattern == "memory.deploy"
    for query in ("compose a haiku about mountains", "what is the tallest tree", "hello there"):
        assert matcher.match(query).pattern is None


def test_a_counterexample_does_not_lead_there(pattern, folder: Path) -> None:
    query = "is the deployment of troops done"
    pattern()
    before = learned(load_catalog([folder])).guess(query)
    pattern(no_match=query)
    matcher = learned(load_catalog([folder]))

    assert before is not None
    assert before.ranked[0][1] > 0.3
    assert matcher.match(query).pattern is None


def test_nothing_is_stored_on_a_guess(pattern, folder: Path) -> None:
    pattern(steps='{name: a, store: "{query}"}')
    match = learned(load_catalog([folder])).match("is the deployment done yet")

    assert match.pattern is None
    assert match.closest == ("memory.deploy",)


def test_what_may_change_something_takes_a_surer_guess(pattern, folder: Path) -> None:
    pattern("infrastructure.deploy", steps="{name: a, call: deploy}")
    matcher = learned(load_catalog([folder]))
    unsure, sure = "was the rollout to the servers finished", "did the rollout to production finish"

    guesses = [matcher.guess(query) for query in (unsure, sure)]
    assert all(guess is not None and guess.ranked[0][1] > 0.3 for guess in guesses)
    assert matcher.match(unsure).pattern is None
    assert matcher.match(sure).pattern == "infrastructure.deploy"


def test_typed_arguments_are_found_in_the_query(pattern, folder: Path) -> None:
    pattern(
        match=CHANGED,
        arguments="{file: {type: path}, count: {type: integer, default: '5'}, ask: {}}",
        steps='{name: a, recall: "{file}", limit: 5}',
    )
    matcher = learned(load_catalog([folder]))

    found = matcher.match("who changed docs/guides/use.md lately, the last 12")
    assert found.arguments == {"file": "docs/guides/use.md", "count": "12"}
    assert matcher.match("who changed tests/run.sh lately").arguments == {"file": "tests/run.sh"}


def test_a_pattern_that_lacks_an_argument_takes_a_surer_guess(
    pattern, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern(
        match=CHANGED,
        arguments="{file: {type: path}}",
        steps='{name: a, recall: "{file}"}',
    )
    matcher = learned(load_catalog([folder]))
    sure = matcher.match("who changed the file lately")
    monkeypatch.setattr(matching, "LACKING_MIN", 0.85)
    unsure = matcher.match("who changed it")

    assert (sure.pattern, sure.arguments) == ("memory.deploy", {})
    assert unsure.pattern is None
    assert unsure.leans is not None
    assert 0.5 <= unsure.leans[1] < 0.85 < sure.confidence


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("where is the text 'no space left' in it", "no space left"),
        ("where is parse_row", "parse_row"),
        ("where is the OrderService now", "OrderService"),
    ],
)
def test_the_one_argument_that_is_lacking_is_what_is_quoted_or_code(
    pattern, folder: Path, query: str, found: str
) -> None:
    pattern(
        match=WHERE,
        arguments="{thing: {}}",
        steps='{name: a, recall: "{thing}"}',
    )

    assert learned(load_catalog([folder])).match(query).arguments == {"thing": found}


def test_a_catalogue_without_examples_says_that_it_has_none(write, folder: Path) -> None:
    write("memory.one", exact="one")
    matcher = learned(load_catalog([folder]))

    assert matcher.guess("anything") is None
    assert matcher.match("anything").why == "no pattern has examples to learn from"


def test_a_broad_expression_is_overruled_by_what_the_examples_say(write, folder: Path) -> None:
    write("memory.who", BROAD.format(name="who", regex="(?i)^who .*", match=PEOPLE))
    write("memory.deploy", BROAD.format(name="deploy", regex="zebra", match=DEPLOY))
    before = Matcher(load_catalog([folder]))
    matcher = learned(load_catalog([folder]))
    foreign, own = "who painted the ceiling of the sistine chapel", "who is our contact at Acme"

    assert before.match(foreign).pattern == "memory.who"
    assert matcher.match(foreign).pattern is None
    assert matcher.match(own).matched_by == "regex"


def test_an_expression_that_claims_nothing_foreign_is_taken_at_its_word(pattern, write, folder):
    pattern()
    write(
        "memory.page", BROAD.format(name="page", regex="(?i)page [0-9]+ of", match="page 4 of it")
    )

    found = learned(load_catalog([folder])).match("write a poem about page 12 of hamlet")
    assert (found.pattern, found.matched_by) == ("memory.page", "regex")
