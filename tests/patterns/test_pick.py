"""What a pattern shows of a result."""

import pytest
from pydantic import JsonValue

from tests.patterns.world import World, pattern, run
from tmws_mcp.model import JsonObject
from tmws_mcp.patterns.shape import shape
from tmws_mcp.tokens import estimate_tokens

ISSUES = [
    {"id": n, "title": f"Issue {n}", "user": {"login": "ada", "url": "x" * 200}, "body": "y" * 500}
    for n in range(30)
]
pytestmark = pytest.mark.anyio


async def shown(value: JsonValue, **step: object) -> JsonValue:
    world = World()

    @world.act("list.issues")
    async def _(_arguments: JsonObject) -> JsonValue:
        return value

    asked = pattern(
        {"name": "issues", "action": "list.issues"} | step,
        route="infrastructure",
        budget={"tokens": 20_000},
    )
    return (await run(world, asked)).result["issues"]


async def test_the_fields_that_a_pattern_picks_are_kept_through_lists() -> None:
    found = await shown({"answered": ISSUES, "tool": "x"}, pick=["id", "user.login", "none"])

    assert found["tool"] == "x"
    assert found["answered"][:2] == [
        {"id": 0, "user": {"login": "ada"}}, {"id": 1, "user": {"login": "ada"}},
    ]  # fmt: skip


async def test_a_list_is_cut_and_it_is_said() -> None:
    found = await shown({"answered": ISSUES, "tool": "x"}, pick=["id"], cut=2)
    bare = await shown(ISSUES, pick=["id"], cut=2)

    assert found == {"tool": "x", "answered": [{"id": 0}, {"id": 1}], "left_out": 28}
    assert bare == {"items": [{"id": 0}, {"id": 1}], "left_out": 28}


async def test_a_path_says_how_many_items_of_a_list_are_wanted() -> None:
    found = await shown({"open": ISSUES, "done": ISSUES, "a:b": [1]}, pick=["open:2", "a:b"])

    assert found == {"open": ISSUES[:2], "a:b": [1]}
    assert await shown({"open": ISSUES}, pick=["open:1.id"]) == {"open": [{"id": 0}]}


async def test_a_result_of_another_form_than_expected_is_no_crash() -> None:
    assert await shown({"answered": "text"}, pick=["id"]) == {"answered": None}
    assert await shown({"id": 1}, pick=["id.deeper"]) == {"id": None}
    assert await shown([1, 2], pick=["id"]) == []


def test_of_a_long_text_what_matters_for_the_query_stays() -> None:
    filler = [f"Line {n} tells of the weather in town {n}." for n in range(400)]
    filler[250] = "The importer listens on port 8931 since Tuesday."
    text = "\n".join(filler)

    shaped = shape({"log": {"output": text}}, 150, "which port does the importer use")

    assert "8931" in str(shaped.results)
    assert shaped.shortened == 1
    assert "characters)" in str(shaped.results)
    assert estimate_tokens(str(shaped.results)) < 200
    assert "8931" not in str(shape({"log": {"output": text}}, 150).results)


def test_of_a_huge_text_beginning_and_end_are_looked_at() -> None:
    text = "begin " + "filler words here. " * 20_000 + "The error is E4711."

    shaped = shape({"log": text}, 120, "what is the error")

    assert "E4711" in str(shaped.results)
