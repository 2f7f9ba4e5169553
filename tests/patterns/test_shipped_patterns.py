from collections import Counter

import pytest

from tmws_mcp.actions.registry import ACTIONS, Workspace, is_known, is_read_only
from tmws_mcp.patterns.catalog import Catalog, load_catalog, shipped_folder
from tmws_mcp.patterns.check import check_folder
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.patterns.steps import ActionStep
from tmws_mcp.patterns.templates import fill

pytestmark = pytest.mark.anyio

CATALOG = load_catalog([shipped_folder()])
MATCHER = Matcher(CATALOG)
MATCHES = [(p.id, query) for p in CATALOG.patterns.values() for query in p.examples.match]
NO_MATCHES = [(p.id, query) for p in CATALOG.patterns.values() for query in p.examples.no_match]


def test_all_shipped_files_can_be_used() -> None:
    assert check_folder(shipped_folder()) == []


def test_each_route_has_patterns_for_a_normal_day(shipped: Catalog) -> None:
    counts = Counter(pattern.route for pattern in shipped.patterns.values())

    assert counts["infrastructure"] >= 5
    assert counts["memory"] >= 5
    assert counts["hybrid"] >= 6


@pytest.mark.parametrize(("pattern", "query"), MATCHES)
def test_an_example_leads_to_its_pattern_and_no_other_has_the_same_claim(
    pattern: str, query: str
) -> None:
    """Where a more general pattern claims it too, the priority decides and not an accident."""
    rivals = MATCHER.claimants(query)
    own = rivals.pop(pattern)

    assert MATCHER.match(query).pattern == pattern
    assert all(priority < own for priority in rivals.values()), rivals


@pytest.mark.parametrize(("pattern", "query"), NO_MATCHES)
def test_a_counterexample_leads_elsewhere_or_nowhere(pattern: str, query: str) -> None:
    assert MATCHER.match(query).pattern != pattern


@pytest.mark.parametrize("pattern", CATALOG.patterns.values(), ids=lambda p: p.id)
def test_each_has_examples_of_both_kinds_and_known_actions_that_read(pattern) -> None:
    assert len(pattern.examples.match) >= 5
    assert len(pattern.examples.no_match) >= 3
    assert all(is_known(name) and is_read_only(name) for name in pattern.actions)


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ("recall optimization patterns for the database", "topic"),
        ("remember that the port is 8931", "text"),
        ("show the latest memories", "newest"),
        ("what do you remember?", "newest"),
        ("decision: all SQL lives in store/", "decision"),
        ("explain the pattern memory.recall", "pattern"),
        ("list all decisions", "latest"),
        ("give me a timeline of the migration", "topic"),
        ("who is Ada", "subject"),
        ("notes by Bellona", "who"),
        ("how do we usually release a version", "task"),
        ("plan the migration of the database", "task"),
        ("what is the time in Tokyo", "zone"),
        ("project layout please", "layout"),
        ("list the open questions", "narrow"),
        ("what changed since yesterday", "since"),
        ("what is different from main", "base"),
        ("where is parse_status defined", "text"),
        ("which version of pydantic do we use", "name"),
        ("speed up the query planner", "target"),
        ("I got this error: disk I/O error", "error"),
        ("what do we know about settings.py", "symbol"),
        ("what is 15 % of 240", "expression"),
    ],
)
def test_what_the_query_names_becomes_an_argument(query: str, arguments: str) -> None:
    assert set(MATCHER.match(query).arguments) == {arguments}


@pytest.mark.parametrize("query", CATALOG.patterns["infrastructure.calculate"].examples.match)
async def test_whatever_is_taken_for_arithmetic_has_a_value(query: str) -> None:
    pattern = CATALOG.patterns["infrastructure.calculate"]
    given = dict.fromkeys(pattern.arguments, "") | dict(MATCHER.match(query).arguments)
    step = pattern.steps[1 if given["amount"] else 0]
    assert isinstance(step, ActionStep)
    expression = fill(str(step.with_["expression"]), given)

    told = await ACTIONS[step.action].run({"expression": expression}, Workspace())

    assert isinstance(told, dict)
    assert isinstance(told["value"], int | float)


def test_a_text_of_many_lines_is_stored_whole() -> None:
    match = MATCHER.match("Remember that:\nfirst line\nsecond line")

    assert match.pattern == "memory.store"
    assert match.arguments["text"].endswith("first line\nsecond line")


def test_what_is_remembered_for_a_while_reads_only_the_memory() -> None:
    """Its key holds the memory's generation; of a folder there is none."""
    assert all(not p.actions for p in CATALOG.patterns.values() if p.cache_seconds)
