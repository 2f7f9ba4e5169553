import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.errors import InvalidInput
from tmws_mcp.patterns.templates import (
    ArgumentType,
    UnknownName,
    fill,
    fill_value,
    names_in,
    typed_value,
)

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(max_size=50), min_size=1))
def test_a_name_is_replaced_by_exactly_its_value(values: dict[str, str]) -> None:
    template = " ".join(f"{{{name}}}" for name in values)

    assert fill(template, values) == " ".join(values.values())
    assert names_in(template) == set(values)


@given(st.text(max_size=100))
def test_what_is_filled_in_is_not_looked_at_again(value: str) -> None:
    assert fill("{a}", {"a": value, "b": "secret"}) == value


@given(st.text(max_size=100))
def test_a_text_is_either_refused_or_filled_from_its_names(template: str) -> None:
    try:
        names = names_in(template)
    except ValueError:
        return
    fill(template, dict.fromkeys(names, "x"))


@pytest.mark.parametrize(
    "template", ["{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{}", "{0}", "{", "}", "{A}", "{{a}"]
)
def test_nothing_but_a_name_may_stand_between_braces(template: str) -> None:
    with pytest.raises(ValueError, match="does not enclose a name"):
        names_in(template)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(UnknownName, match="topic"):
        fill("{topic}", {})


def test_texts_within_values_are_filled_and_keys_are_not() -> None:
    filled = fill_value({"{a}": ["{a}", {"k": "{a}{{}}"}, 3, None, True]}, {"a": "1"})

    assert filled == {"{a}": ["1", {"k": "1{}"}, 3, None, True]}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "7", 7), ("number", "2.5", 2.5), ("boolean", "True", True),
        ("json", "[1, 2]", [1, 2]), ("text", "7", "7"), ("path", "a/b", "a/b"),
        ("moment", "8 May 2023", "2023-05-08T00:00:00+00:00"), ("moment", "the plan", ""),
    ],
)  # fmt: skip
def test_a_value_that_is_one_name_alone_gets_the_names_type(
    kind: ArgumentType, text: str, value: object
) -> None:
    found = typed_value({"a": ["{x}"], "b": "{x}!"}, {"x": text}, {"x": kind})

    assert found == {"a": [value], "b": f"{text}!"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [("integer", "7.5"), ("integer", "true"), ("number", "ten"), ("boolean", "1"), ("json", "{")],
)
def test_a_value_of_another_type_is_refused_by_its_name(kind: ArgumentType, text: str) -> None:
    with pytest.raises(InvalidInput, match=f"x is '{text}', and must be of type {kind}"):
        typed_value("{x}", {"x": text}, {"x": kind})


def test_a_lonely_name_without_a_value_is_unknown_whatever_its_type() -> None:
    with pytest.raises(UnknownName):
        typed_value("{x}", {}, {"x": "integer"})
