import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bounds import bounded_work
from tmws_mcp.tokens import estimate_tokens

SAMPLES = Path(__file__).parent / "token_samples"
COUNTS = json.loads((SAMPLES / "counts.json").read_bytes())  # o200k's own


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_the_estimate_is_within_a_tenth_of_o200k(name: str) -> None:
    text = (SAMPLES / f"{name}.txt").read_text("utf-8")

    assert estimate_tokens(text) == pytest.approx(COUNTS[name], rel=0.1)


def test_ids_cost_what_o200k_makes_of_them() -> None:
    ids = ("ma83xduywv7", "mp9bkkp8262", "m2mt2p3cep2", "m3x7k2p9q4a")
    counted = 7 + 7 + 8 + 11

    assert sum(map(estimate_tokens, ids)) == pytest.approx(counted, rel=0.15)


def test_every_sample_has_been_counted() -> None:
    assert {path.stem for path in SAMPLES.glob("*.txt")} == set(COUNTS)


def test_an_empty_text_costs_nothing() -> None:
    assert estimate_tokens("") == 0


@given(st.text(max_size=300))
def test_any_text_costs_something_and_hardly_more_than_its_bytes(text: str) -> None:
    tokens = estimate_tokens(text)

    assert (tokens > 0) == bool(text)
    assert tokens <= 2 * len(text.encode("utf-8", "surrogatepass")) + 1


@given(st.text(max_size=100), st.text(max_size=100))
def test_two_texts_cost_about_what_they_cost_together(one: str, other: str) -> None:
    """A budget is filled by adding: the seam between two lines must not cost much."""
    together, apart = estimate_tokens(f"{one}\n{other}"), estimate_tokens(one)
    apart += estimate_tokens(other)

    assert abs(together - apart) <= 5


@pytest.mark.parametrize(
    "seed", ["a", "A", "Aa", " ", "\n ", "_", "!", "é", "日", "1", "\t A", "a'a"]
)
def test_hostile_text_is_estimated_in_linear_time(seed: str) -> None:
    with bounded_work():
        estimate_tokens((seed * (1_000_000 // len(seed) + 1))[:1_000_000])
