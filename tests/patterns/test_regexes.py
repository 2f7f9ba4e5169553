import builtins

import pytest

from tmws_mcp.errors import RegexesUnavailable
from tmws_mcp.patterns import regexes
from tmws_mcp.patterns.regexes import SET_EXPRESSIONS_MAX, Regex, RegexRefused, RegexSet


def test_groups_that_caught_nothing_are_left_out() -> None:
    hit = Regex("find (?P<topic>[a-z]+)(?: in (?P<place>[a-z]+))?").search("please find keys")

    assert hit is not None
    assert hit.groups == {"topic": "keys"}
    assert (hit.start, hit.end) == (7, 16)


def test_positions_count_characters_not_bytes() -> None:
    hit = Regex("größe (?P<n>[0-9]+)").search("die größe 42")

    assert hit is not None
    assert hit.start == 4
    assert hit.groups == {"n": "42"}


def test_a_set_of_many_groups_finds_what_each_expression_finds() -> None:
    expressions = [Regex(rf"\bword{n}\b.*end") for n in range(3 * SET_EXPRESSIONS_MAX + 7)]
    text = "word0 word99 word100 word306 word307 end"

    assert RegexSet(expressions).search(text) == [0, 99, 100, 306]


def test_expressions_too_large_for_a_set_are_asked_alone() -> None:
    """A set that is too large for its memory would report no match, and no error."""
    large = [Regex(rf"(?:a{{1,100}}b){{10}}c{n}") for n in range(30)]

    assert RegexSet([*large, Regex("q")]).search("ab" * 10 + "c7 q") == [7, 30]


def test_a_set_of_large_expressions_still_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regexes, "SET_PROGRAM_MAX", 10)

    assert RegexSet([Regex("[a-z]+ [0-9]+ [a-z]+"), Regex("b")]).search("a 1 b") == [0, 1]


def test_an_empty_set_matches_nothing() -> None:
    assert RegexSet([]).search("anything") == []


def test_nested_repetition_takes_linear_time() -> None:
    """Python's `re` would not come back from this one."""
    assert Regex("^(a+)+$").search("a" * 4_000 + "!") is None


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(RegexRefused):
        Regex("\ud800")


def test_without_re2_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_re2(name: str, *args: object, **kwargs: object) -> object:
        if name == "re2":
            raise ImportError("no wheel")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_re2)
    regexes._re2.cache_clear()

    with pytest.raises(RegexesUnavailable, match="pip install google-re2"):
        Regex("a")
