from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.patterns.catalog import Catalog, load_catalog
from tmws_mcp.patterns.matcher import MATCHES_KEPT_MAX, Matcher, normalised

REGEX = """
    id: {id}
    route: memory
    summary: {summary}
    priority: {priority}
    triggers: {{regex: ['{regex}']}}
    steps: [{{name: found, recall: "{{query}}"}}]
"""


@pytest.fixture
def regex(write):
    def write_regex(name: str, regex: str, *, priority: int = 0, summary: str = "x") -> None:
        write(name, REGEX.format(id=name, regex=regex, priority=priority, summary=summary))

    return write_regex


def matcher(folder: Path) -> Matcher:
    catalog = load_catalog([folder])
    assert catalog.problems == ()
    return Matcher(catalog)


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@given(st.from_regex(r"[a-zA-Z]{1,8}( [a-zA-Z]{1,8}){0,4}", fullmatch=True))
def test_case_punctuation_and_space_do_not_count(text: str) -> None:
    noisy = "  " + text.upper().replace(" ", " -\t ") + " ?! "

    assert normalised(noisy) == normalised(text)


@pytest.mark.parametrize("query", ["Git status", "git-status?", "  GIT\n STATUS!", "git  status"])
def test_an_exact_trigger_is_found_however_it_is_written(shipped: Catalog, query: str) -> None:
    match = Matcher(shipped).match(query)

    assert (match.pattern, match.matched_by, match.confidence) == (
        "infrastructure.workspace",
        "exact",
        1.0,
    )


def test_words_of_other_scripts_are_kept(write, folder: Path) -> None:
    write("memory.one", exact="स्थिति क्या है")

    assert matcher(folder).match("स्थिति क्या है?").pattern == "memory.one"
    assert matcher(folder).match("थत क्य ह").pattern is None


def test_symbols_count(write, folder: Path) -> None:
    write("memory.one", exact='"c++"')

    assert matcher(folder).match("C").pattern is None


def test_an_exact_trigger_beats_an_expression_of_any_priority(write, regex, folder: Path) -> None:
    write("memory.exact", exact="find keys")
    regex("memory.regex", "find", priority=100)

    assert matcher(folder).match("find keys").pattern == "memory.exact"


def test_priority_decides_among_expressions(regex, folder: Path) -> None:
    regex("memory.long", "find the keys")
    regex("memory.short", "find", priority=1)

    assert matcher(folder).match("find the keys").pattern == "memory.short"


def test_at_equal_priority_the_longer_match_decides(regex, folder: Path) -> None:
    regex("memory.a_short", "find")
    regex("memory.long", "find the keys")

    assert matcher(folder).match("find the keys").pattern == "memory.long"


def test_confidence_grows_with_the_share_of_the_query_that_is_covered(regex, folder: Path) -> None:
    regex("memory.one", "find keys")
    found = matcher(folder)

    whole = found.match("find keys").confidence
    part = found.match("find keys which I have lost somewhere in the garden").confidence

    assert whole == 0.95
    assert 0.5 < part < whole


def test_an_unmatched_query_names_the_closest_patterns(shipped: Catalog) -> None:
    match = Matcher(shipped).match("tell me of uncommitted ponies")

    assert match.pattern is None
    assert match.matched_by == "none"
    assert "infrastructure.workspace" in match.closest
    assert len(match.closest) <= 3


def test_nothing_in_common_names_nothing(shipped: Catalog) -> None:
    assert Matcher(shipped).match("xyzzy").closest == ()


def test_matches_are_kept_up_to_a_bound(shipped: Catalog) -> None:
    found = Matcher(shipped)
    found.match("git status")
    found.match("git status")
    assert found.kept() == (1, 1, 1)

    for number in range(MATCHES_KEPT_MAX + 50):
        found.match(f"query {number}")
    assert found.kept()[2] == MATCHES_KEPT_MAX

    found.clear()
    assert found.kept() == (0, 0, 0)


def test_no_text_makes_it_fail(shipped: Catalog) -> None:
    found = Matcher(shipped)

    @given(st.text(max_size=300).filter(is_sendable))
    def fails_at_nothing(query: str) -> None:
        match = found.match(query)

        assert match.pattern is None or match.pattern in shipped.patterns
        assert 0 <= match.confidence <= 1

    fails_at_nothing()


def is_sendable(text: str) -> bool:
    """Whether a request with such a text is not refused before."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def test_patterns_beyond_one_set_are_told_apart(regex, folder: Path) -> None:
    for number in range(300):
        regex(f"memory.p{number}", rf"\bitem{number}\b.{{0,20}}\bplease\b")
    found = matcher(folder)

    assert found.match("give me item0 please").pattern == "memory.p0"
    assert found.match("give me item299, please").pattern == "memory.p299"
    assert found.match("give me item300 please").pattern is None
