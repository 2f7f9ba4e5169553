"""A pattern that is found by its examples, and a matcher that has learned them."""

from pathlib import Path

from tmws_mcp.patterns.catalog import Catalog
from tmws_mcp.patterns.matcher import Matcher

SECONDS_MAX = 120.0
TEXT = """
    id: {id}
    route: {route}
    summary: x
    triggers: {{exact: [do {name}]}}
    examples: {{match: [{match}], no_match: [{no_match}]}}
    arguments: {arguments}
    steps: [{steps}]
"""
DEPLOY = (
    "is the deployment done, did the rollout to production finish, how far is the deployment, "
    "has the release been rolled out, is the new build live on the servers"
)


def learned(catalog: Catalog, folder: Path | None = None) -> Matcher:
    matcher = Matcher(catalog)
    matcher.learn(folder)
    assert matcher.learned(SECONDS_MAX)
    return matcher
