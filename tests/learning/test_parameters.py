"""What varies from run to run becomes a parameter; what does not, stays."""

import pytest

from tmws_mcp.learning.parameters import arguments_of, compare, guessed_type, identifier
from tmws_mcp.learning.promoted_steps import steps_of
from tmws_mcp.learning.queries import for_error, for_tasks


def test_constants_stay_and_braces_in_them_mean_themselves() -> None:
    found = compare([[{"format": "{id}", "n": 1}], [{"format": "{id}", "n": 1}]])

    assert found.steps == [{"format": "{{id}}", "n": 1}]
    assert found.parameters == {}


def test_what_varies_in_step_is_one_parameter() -> None:
    found = compare(
        [
            [{"path": "a.py"}, {"file": "a.py", "line": 3}],
            [{"path": "b.py"}, {"file": "b.py", "line": 9}],
        ]
    )

    assert found.steps == [{"path": "{path}"}, {"file": "{path}", "line": "{line}"}]
    assert [(name, one.type) for name, one in found.parameters.items()] == [
        ("path", "path"), ("line", "integer"),
    ]  # fmt: skip


def test_the_same_name_for_other_values_is_numbered() -> None:
    found = compare([[{"x": "a"}, {"x": "b"}], [{"x": "c"}, {"x": "d"}]])

    assert found.steps == [{"x": "{x}"}, {"x": "{x_2}"}]


def test_objects_are_compared_within() -> None:
    found = compare([[{"o": {"keep": 1, "v": True}}], [{"o": {"keep": 1, "v": False}}]])

    assert found.steps == [{"o": {"keep": 1, "v": "{v}"}}]
    assert found.parameters["v"].type == "boolean"


def test_a_masked_secret_is_always_a_parameter() -> None:
    found = compare([[{"key": "<secret>"}, {"other": "<secret>"}]])

    assert found.steps == [{"key": "{key}"}, {"other": "{other}"}]


def test_what_only_some_runs_had_is_left_out_and_named() -> None:
    found = compare([[{"a": 1, "b": 2}], [{"a": 1}]])

    assert found.steps == [{"a": 1}]
    assert found.left_out == ["b of step 1"]


def test_query_is_nobodys_name() -> None:
    assert compare([[{"query": "a"}], [{"query": "b"}]]).steps == [{"query": "{query_2}"}]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, False], "boolean"), ([1, 2], "integer"), ([1, 2.5], "number"),
        (["2026-01-02", "2026-03-04T10:00"], "date"), (["http://a/b", "ftp://c"], "url"),
        (["~/x", "a/b.txt"], "path"), (["a", "b c"], "text"), ([[1], [2]], "json"),
        ([1, "a"], "json"), ([None, "a"], "json"), (["2026-01-02", "2026-02-30"], "text"),
        (["2026-01-02 noon"], "text"),
    ],
)  # fmt: skip
def test_types_are_guessed_from_the_values(values: list, kind: str) -> None:
    assert guessed_type(values) == kind


def test_arguments_that_were_cut_off_are_unknown_rather_than_wrong() -> None:
    assert arguments_of('{"a": 1}') == {"a": 1}
    assert arguments_of('{"a": "trunca') is None
    assert arguments_of("ls -la") == {"input": "ls -la"}
    assert arguments_of("7") == {"input": 7}
    assert arguments_of(None) == {}


@pytest.mark.parametrize("text", ["", "___", "7", "日本語", "a" * 300, "CamelCase-x"])
def test_any_text_makes_an_identifier(text: str) -> None:
    made = identifier(text)

    assert made[0].isalpha()
    assert made.isascii()
    assert len(made) <= 40


def test_our_own_tools_become_steps_of_the_memory() -> None:
    made = steps_of(
        ["mcp__tmws__recall_memory", "store_memory", "get_recommendations", "edit"],
        [
            {"query": "{topic}", "limit": 3, "token_budget": 9},
            {"content": "done"},
            {"task": "x", "session_id": "s"},
            {},
        ],
        lambda _: False,
    )

    assert made.route == "hybrid"
    assert made.steps == (
        {"name": "recall_memory", "recall": "{topic}", "limit": 3},
        {"name": "store_memory", "store": "done", "needs": ["recall_memory"]},
        {"name": "get_recommendations", "recommend": {"task": "x"}, "needs": ["store_memory"]},
        {"name": "edit", "call": "edit", "needs": ["get_recommendations"]},
    )
    assert made.missing == ("edit",)


def test_steps_of_the_same_tool_have_names_of_their_own() -> None:
    made = steps_of(["edit", "test", "edit"], [{}, {}, {}], lambda _: False)

    assert [step["name"] for step in made.steps] == ["edit", "test", "edit_2"]


def test_texts_that_differ_in_a_value_become_an_expression() -> None:
    texts = ["close ticket A-12 now", "close ticket B-7 now"]
    compared = compare([[{"ticket": "A-12"}], [{"ticket": "B-7"}]])

    made = for_tasks(texts, texts, compared)

    assert made.triggers == {"regex": [r"(?i)^\W*close\ ticket\ (?P<ticket>.+?)\ now\W*$"]}
    assert made.examples == tuple(texts)


def test_texts_that_differ_otherwise_are_taken_word_for_word() -> None:
    texts = ["close the ticket", "shut that ticket"]

    made = for_tasks(texts, texts, compare([[{"n": 1}], [{"n": 2}]]))

    assert made.triggers == {"exact": texts}


def test_a_text_with_a_secret_is_no_query() -> None:
    made = for_tasks(["log in with <secret>"], [], compare([[{}]]))

    assert "<secret>" not in str(made.examples)
    assert made.notes


def test_an_error_leads_by_its_template() -> None:
    made = for_error({"tool": "deploy", "template": "denied: <q> is <n> days old", "class": "x"})

    assert made.triggers["regex"] == [r"(?i)denied:\ .{0,200}?\ is\ .{0,200}?\ days\ old"]
    assert made.examples == ("repair deploy: denied: x is 7 days old", "denied: x is 7 days old")
