"""How many tokens a text costs a model, without its tokenizer."""

from math import ceil

CHARS_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Return the estimated number of o200k tokens of a text."""
    return ceil(len(text) / CHARS_PER_TOKEN)
