"""What is kept apart of shares makes no difference to what they are."""

from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.learning.shares import Smoothed, Usual, likeliest, picked

TOOLS = [f"tool{number}" for number in range(9)]
SHARE = st.sampled_from([0.0, 0.1, 0.1 + 1e-17, 0.2, 0.25, 1 / 3, 0.7])  # many of them alike
SHARES = st.dictionaries(st.sampled_from(TOOLS), SHARE)


@given(usual=SHARES, added=SHARES, left=SHARE, n=st.integers(0, 10), asked=st.permutations(TOOLS))
def test_smoothed_shares_are_those_of_all_tools_added_up(
    usual: dict[str, float], added: dict[str, float], left: float, n: int, asked: list[str]
) -> None:
    whole = {tool: left * share for tool, share in usual.items()}
    for tool, share in added.items():
        whole[tool] = whole.get(tool, 0.0) + share

    smoothed = Smoothed(Usual(usual), left, added)

    assert dict(smoothed) == whole
    assert len(smoothed) == len(whole)
    assert {tool for tool in TOOLS if tool in smoothed} == set(whole)
    assert likeliest(smoothed, n) == likeliest(whole, n)
    assert list(picked(smoothed, asked).items()) == list(picked(whole, asked).items())


@given(shares=SHARES, n=st.integers(1, 10))
def test_the_likeliest_come_first_and_of_those_alike_the_first_by_name(
    shares: dict[str, float], n: int
) -> None:
    found = likeliest(shares, n)

    best = sorted(shares, key=lambda tool: (-shares[tool], tool))[:n]
    assert set(found) == set(best)
    assert len(shares) <= n or found == best
