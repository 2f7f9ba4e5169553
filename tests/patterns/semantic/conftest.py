"""What tests of learning from examples share: patterns with examples, and who has learned them."""

import pytest

from tests.patterns.semantic.world import DEPLOY, TEXT, learned
from tmws_mcp.patterns.catalog import Catalog
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.patterns.semantic import stage


@pytest.fixture(autouse=True)
def _nothing_at_hand() -> None:
    """Let each test learn by itself: some change how it is done."""
    stage._recent.clear()


@pytest.fixture
def pattern(write):
    """Write a pattern that is found by its examples."""

    def write_pattern(
        name: str = "memory.deploy",
        match: str = DEPLOY,
        *,
        no_match: str = "",
        arguments: str = "{}",
        steps: str = '{name: a, recall: "{query}"}',
    ) -> None:
        route, _, last = name.partition(".")
        given = {"match": match, "no_match": no_match, "arguments": arguments, "steps": steps}
        write(name, TEXT.format(id=name, route=route, name=last, **given))

    return write_pattern


@pytest.fixture(scope="module")
def of_shipped(shipped: Catalog) -> Matcher:
    stage._recent.clear()  # an earlier test may have learned with other limits
    return learned(shipped)
