import pytest

from tmws_mcp.actions.registry import is_known, is_read_only
from tmws_mcp.patterns.catalog import Catalog, load_catalog, shipped_folder
from tmws_mcp.patterns.check import check_folder
from tmws_mcp.patterns.matcher import Matcher

CATALOG = load_catalog([shipped_folder()])
MATCHER = Matcher(CATALOG)
MATCHES = [(p.id, query) for p in CATALOG.patterns.values() for query in p.examples.match]
NO_MATCHES = [(p.id, query) for p in CATALOG.patterns.values() for query in p.examples.no_match]


def test_all_shipped_files_can_be_used() -> None:
    assert check_folder(shipped_folder()) == []


def test_the_eight_patterns_are_there(shipped: Catalog) -> None:
    assert sorted(shipped.patterns) == [
        "hybrid.compare_with_decision",
        "infrastructure.health",
        "infrastructure.patterns",
        "infrastructure.statistics",
        "infrastructure.workspace",
        "memory.find_similar",
        "memory.recall",
        "memory.store",
    ]


@pytest.mark.parametrize(("pattern", "query"), MATCHES)
def test_an_example_is_claimed_by_its_pattern_and_by_no_other(pattern: str, query: str) -> None:
    assert list(MATCHER.claimants(query)) == [pattern]


@pytest.mark.parametrize(("pattern", "query"), NO_MATCHES)
def test_a_counterexample_is_not_claimed_at_all(pattern: str, query: str) -> None:
    assert pattern not in MATCHER.claimants(query)


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
    ],
)
def test_what_the_query_names_becomes_an_argument(query: str, arguments: str) -> None:
    assert set(MATCHER.match(query).arguments) == {arguments}


def test_a_text_of_many_lines_is_stored_whole() -> None:
    match = MATCHER.match("Remember that:\nfirst line\nsecond line")

    assert match.pattern == "memory.store"
    assert match.arguments["text"].endswith("first line\nsecond line")


def test_what_is_remembered_for_a_while_reads_only_the_memory() -> None:
    """Its key holds the memory's generation; of a folder there is none."""
    assert all(not p.actions for p in CATALOG.patterns.values() if p.cache_seconds)
