"""How many tokens a text costs a model, without its tokenizer.

A tokenizer's table has megabytes; a budget needs no more than a tenth of precision. So a text is
divided as o200k divides it before it merges anything (words with the sign before them, numbers by
three digits, runs of signs, white space), and each piece is charged by its kind and its length.
The charges were fitted to o200k's counts; scripts/measure_token_estimate.py prints how far off.
"""

import re
from math import ceil

CACHED_PIECES_MAX = 8_192
CACHED_PIECE_CHARS_MAX = 24  # longer ones hardly come twice

CHINESE = 0.64  # for each character

_CJK = r"\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_MARKED = r"\u0300-\u036f\u0900-\u0eff"  # scripts of India and Thailand write vowels as marks
_PIECES = re.compile(
    rf"""(?:[^\w\r\n]|_)?(?<![^\W_])(?=[a-z]*+\d)(?=\d*+[a-z])[a-z\d]{{6,}}+(?![^\W_])
       | (?:[^\w\r\n]|_)?
         (?: [A-Z]*+[a-z]++(?:'[a-z]{{1,2}}\b|[^\W\d_A-Z{_CJK}]*+)
           | [{_CJK}]++
           | [A-Z]*+(?:[^\W\d_A-Z{_CJK}]|[{_MARKED}])+
           | [A-Z]++ )
       | \d{{1,3}}
       | [ ]?(?:[^\w\s]++|_++)[\r\n/]*+
       | \s*[\r\n]++
       | [^\S\r\n]+(?=[^\S\r\n]\S) | [^\S\r\n]++""",
    re.VERBOSE,
)


def estimate_tokens(text: str) -> int:
    """Return the estimated number of o200k tokens of a text, mostly within a tenth.

    >>> estimate_tokens("Recall what we decided about the port of the server.")
    11
    """
    return ceil(sum(map(_CHARGES.__getitem__, _PIECES.findall(text))))


class _Charges(dict[str, float]):
    """What each piece costs; most texts are made of few different ones."""

    def __missing__(self, piece: str) -> float:
        charge = _charge(piece)
        if len(piece) <= CACHED_PIECE_CHARS_MAX and len(self) < CACHED_PIECES_MAX:
            self[piece] = charge
        return charge


def _charge(piece: str) -> float:
    word = piece if piece[0].isalnum() else piece[1:]
    if piece.isspace() or piece.isdigit():
        return 0.9 if piece.isspace() else 1.04
    if not word[:1].isalpha() or (word.isalnum() and not word.isalpha()):
        return _code(word) if word.isalnum() else _signs(piece)
    if "\u3041" <= word[0] <= "\ufaff":
        return _ideographs(word)
    if not word.isascii():
        return _foreign_word(word)
    if word.isupper() and len(word) > 1:
        return (1.2 if piece[0] == " " else 1.4) + 0.15 * max(0, len(word) - 8)
    return _word(piece, len(word))


def _code(word: str) -> float:
    """Letters and digits mixed at random, as in ids and hashes, are no words of any tokenizer."""
    return 0.3 + 0.62 * len(word)


def _word(piece: str, chars: int) -> float:
    """A word after a space is likely to be a token of its own; one glued to a sign is less so."""
    begin = 0.96 if piece[0] == " " else 1.18 if piece[0].isalpha() else 1.28
    unusual = 0.32 * max(0, chars - 9) + 0.5 * max(0, chars - 13)
    return begin + min(unusual, chars / 2)


def _foreign_word(word: str) -> float:
    """Letters with accents break words into short pieces; other alphabets have words of theirs."""
    if word[0] < "\u0250":
        return 1.29 + 0.31 * max(0, len(word) - 3)
    return 1.15 + (0.14 if word[0] < "\u0530" else 0.24) * max(0, len(word) - 3)


def _ideographs(word: str) -> float:
    """Without any Kana or Hangul it is Chinese, whose words are oftener tokens of their own."""
    if len(word) > 1 and all("\u3400" <= char < "\ua000" for char in word):
        return 0.38 + CHINESE * len(word)
    return 0.38 + sum(map(_ideograph, word))


def _ideograph(char: str) -> float:
    if char < "\u30a0":  # Hiragana
        return 0.78
    if char < "\u3100":  # Katakana
        return 0.5
    return 0.76 if char < "\ua000" else 0.52  # Han, Hangul


def _signs(piece: str) -> float:
    """Signs of ASCII come in pairs that are tokens; others cost a token, a pictogram two."""
    if piece.isascii():
        return 1.04 + 0.27 * max(0, len(piece) - 2)
    different = set(piece)
    charges = (0.4 if c.isascii() else 1.0 if c < "\U0001f000" else 2.0 for c in different)
    return sum(charges) + 0.2 * (len(piece) - len(different))


_CHARGES = _Charges()
