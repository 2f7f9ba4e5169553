"""How text is divided, and what counts as an identifier."""

import doctest

import pytest

from tmws_mcp.memory.language import identifiers, terms
from tmws_mcp.memory.language.identifiers import is_identifier
from tmws_mcp.memory.language.words import analysed, stem
from tmws_mcp.memory.reply import shown


@pytest.mark.parametrize("module", [identifiers, shown, terms])
def test_examples_in_the_docstrings(module) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    "word",
    [
        "TKT-00123", "src/net/client.py", "/etc/hosts", "C:\\tmp\\x", "E0308", "ORA-00600",
        "v1.2.3",
        "0.1.9", "10.0.0.1", "a1b2c3d", "parseConfig", "HTTPServer", "snake_case", "README.md",
        "os.path.join", "me@example.org", "https://example.org/a", "0x80070057", "4815162342",
        "2023-05-08", "~/notes",
    ],
)  # fmt: skip
def test_names_that_are_looked_up_by_the_letter(word: str) -> None:
    assert analysed(f"we saw ({word}), twice").keys
    lower = analysed(word.lower()).keys
    assert set(analysed(word.upper()).keys) == set(lower) or "C" in word


@pytest.mark.parametrize(
    "word",
    [
        "well-known",
        "2023",
        "3pm",
        "20th",
        "10k",
        "1.5",
        "12:30",
        "and/or",
        "don't",
        "x2",
        "Caroline",
    ],
)
def test_words_of_the_language_are_none(word: str) -> None:
    assert not analysed(f"it was {word} again").keys


def test_a_path_is_known_by_its_parts() -> None:
    found = identifiers.identifiers("in src/net/http_client.py:42 it broke")

    assert {"src/net/http_client.py:42", "src/net/http_client.py", "http_client.py"} <= found


def test_is_identifier_wants_three_characters() -> None:
    assert not is_identifier("v1")


def test_unspaced_text_is_divided_into_characters_and_pairs() -> None:
    assert terms.word_terms("東京都") == ["東", "京", "都", "東京", "京都"]
    assert analysed("東京都").stems == ("東京", "京都")
    assert analysed("猫").stems == ("猫",)


def test_full_width_letters_are_plain_ones() -> None:
    assert analysed("\uff34\uff2b\uff34\uff0d\uff10\uff10\uff11").keys == ("tkt-001",)


def test_parts_of_a_camel_case_name_are_words_too() -> None:
    assert terms.word_terms("parseConfig") == ["parseconfig", "pars", "config"]
    assert analysed("parseConfig").words == ("parseconfig", "parse", "config")


def test_a_long_word_is_known_by_its_beginnings_and_ends() -> None:
    found = set(terms.edges("datenbankverbindung"))

    assert {"datenbank", "verbindung"} <= found
    assert not list(terms.edges("datenbank"))
    assert not list(terms.edges("x" * 41))


def test_a_pictogram_is_a_word() -> None:
    assert analysed("who is for 🚀?").stems[-1] == "🚀"


def test_two_texts_say_together_what_each_says() -> None:
    whole, parts = terms.terms("red red blue"), (terms.terms("red"), terms.terms("red blue"))

    assert terms.together(*parts) == whole


def test_stop_words_go_unless_nothing_else_is_left() -> None:
    assert analysed("What is the port?").stems == ("port",)
    assert analysed("What is it?").stems == ("what", "is", "it")


def test_a_long_query_is_bounded() -> None:
    query = analysed(" ".join(f"word{i}x" for i in range(2_000)))

    assert len(query.words) == len(query.stems) == len(query.keys) == 64


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("researching", "research"),
        ("adopted", "adopt"),
        ("adoption", "adopt"),
        ("Cafés", "cafe"),
        ("bus", "bus"),
        ("x86s", "x86s"),
    ],
)
def test_stems(word: str, root: str) -> None:
    assert stem(word) == root
