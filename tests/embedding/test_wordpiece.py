import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bounds import bounded_work
from tmws_mcp.embedding.static import FOLDER, VOCABULARY_FILE
from tmws_mcp.embedding.wordpiece import CACHED_CHARS_MAX, CACHED_WORDS_MAX, WordPiece

TOKENS = (FOLDER / VOCABULARY_FILE).read_text("utf-8").splitlines()
WORDPIECE = WordPiece(TOKENS)


def pieces(text: str) -> str:
    return " ".join(TOKENS[index] for index in WORDPIECE.ids(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # what the library `tokenizers` 0.22 answers with the same vocabulary
        ("unaffable", "una ##ffa ##ble"),
        ("Hello, World!", "hello , world !"),
        ("Ünïcödé café NAÏVE", "unicode cafe naive"),
        ("TKT-00123 at /etc/hosts:8080", "t ##kt - 001 ##23 at / etc / hosts : 80 ##80"),
        ("don't_stop", "don ' t _ stop"),
        ("日本語のテキスト", "日 本 語 の ##テ ##キ ##ス ##ト"),
        ("東京 is big", "東 京 is big"),
        ("tokenisation of embeddings", "token ##isation of em ##bed ##ding ##s"),
        ("$5 + 3 <= 10", "$ 5 + 3 < = 10"),
        ("zero\u200bwidth", "zero ##wi ##dt ##h"),
        ("Straße", "st ##raße"),
        ("ΟΔΟΣ", "ο ##δ ##ο ##σ"),  # noqa: RUF001 - Greek, and meant to be
        ("🎉 party", "[UNK] party"),
        ("x" * 101 + " ok", "[UNK] ok"),
        ("", ""),
        (" \t\n\u3000", ""),
    ],
)
def test_words_are_divided_as_by_the_usual_library(text: str, expected: str) -> None:
    assert pieces(text) == expected


@given(st.text(max_size=200))
def test_any_text_can_be_divided_and_case_and_outer_space_do_not_matter(text: str) -> None:
    ids = list(WORDPIECE.ids(text))

    assert all(0 <= index < len(TOKENS) for index in ids)
    assert list(WORDPIECE.ids(f"  {text}\n")) == ids


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=30))
def test_the_pieces_of_a_word_make_the_word(word: str) -> None:
    assert pieces(word).replace(" ##", "").replace(" ", "") in (word, "[UNK]")


def test_the_caches_are_bounded() -> None:
    wordpiece = WordPiece(TOKENS)
    for code in range(0x4E00, 0x4E00 + 2 * CACHED_CHARS_MAX):
        list(wordpiece.ids(f"{chr(code)} zq{code}xv"))

    assert len(wordpiece._characters) == CACHED_CHARS_MAX
    assert wordpiece._pieces.cache_info().currsize == CACHED_WORDS_MAX


@pytest.mark.parametrize("seed", ["a", "z" * 99 + " ", "é", "日", "#", "zq", "\u0301"])
def test_hostile_text_is_divided_in_linear_time(seed: str) -> None:
    text = (seed * (500_000 // len(seed) + 1))[:500_000]

    with bounded_work():
        assert all(number >= 0 for number in WORDPIECE.ids(text))
