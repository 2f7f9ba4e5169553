from pathlib import Path

import pytest

from tmws_mcp.errors import PatternFileError
from tmws_mcp.patterns.definition import (
    REGEX_CHARS_MAX,
    STEPS_MAX,
    Pattern,
    parse_pattern,
    read_pattern,
)
from tmws_mcp.patterns.steps import ActionStep, RecallStep, RecommendStep, StoreStep

GOOD = {
    "id": "memory.find",
    "route": "memory",
    "summary": "Find it",
    "triggers": {"regex": ["find (?P<topic>.+)"]},
    "steps": [{"name": "found", "recall": "{topic}"}],
}


def parsed(**changes: object) -> Pattern:
    return parse_pattern(GOOD | changes, path="x.yaml")


def problem(**changes: object) -> str:
    with pytest.raises(PatternFileError) as caught:
        parsed(**changes)
    return str(caught.value)


def _second(step: dict[str, object]) -> dict[str, object]:
    """A step that comes after one that is called `a`."""
    return {"steps": [{"name": "a", "recall": "x"}, {"name": "b", **step}]}


def test_steps_of_all_kinds_are_told_apart_by_their_key() -> None:
    pattern = parsed(
        id="hybrid.all",
        route="hybrid",
        steps=[
            {"name": "a", "action": "calculate.value", "with": {"expression": "{topic}"}},
            {"name": "b", "recall": "{query}", "tags": ["{topic}"]},
            {"name": "c", "store": "{query}", "needs": ["b"]},
            {"name": "d", "recommend": {"task": "{query}"}, "if_empty": "b"},
        ],
    )

    assert [type(s) for s in pattern.steps] == [ActionStep, RecallStep, StoreStep, RecommendStep]
    assert pattern.actions == ("calculate.value",)
    assert pattern.stores


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": 1}, "colour: this key is not known here"),
        ({"steps": [{"name": "a", "recall": "x", "limt": 3}]}, "steps[1].limt: this key"),
        ({"steps": [{"name": "a", "action": "clock.now", "limit": 3}]}, "steps[1].limit: this key"),
        (
            {"steps": [{"name": "a"}]},
            "steps[1]: needs exactly one of the keys action, call, command, recall",
        ),
        ({"steps": [{"name": "a", "recall": "x", "store": "y"}]}, "steps[1]: needs exactly one"),
        ({"steps": ["recall"]}, "steps[1]: needs exactly one"),
        ({"steps": []}, "steps: there are none"),
        ({"steps": [{"name": "a", "recall": "{nobody}"}]}, "nothing gives {nobody} a value"),
        ({"steps": [{"name": "a", "recall": "{query.x}"}]}, "does not enclose a name"),
        ({"steps": [{"name": "a", "recall": "x", "when": "tag"}]}, "nothing gives {tag} a value"),
        ({"steps": [{"name": "a", "recall": "x", "needs": ["b"]}]}, "no earlier step is called"),
        ({"steps": [{"name": "a", "recall": "x", "needs": ["a"]}]}, "no earlier step is called"),
        ({"steps": [{"name": "a", "recall": "x"}] * 2}, "steps[2].name: 'a' stands twice"),
        (_second({"recall": "{a}"}), "nothing gives {a} a value"),
        (_second({"store": "{a}", "needs": ["a"]}), "nothing gives {a} a value"),
        (
            _second({"recall": "{a}", "needs": ["a"]}) | {"arguments": {"a": {"default": ""}}},
            "steps[2]: {a} may be a step or an argument; rename one of them",
        ),
        ({"steps": [{"name": "A b", "recall": "x"}]}, "steps[1].name: String should match"),
        ({"steps": [{"name": "a", "recall": "x", "limit": 0}]}, "steps[1].limit"),
        ({"arguments": {"x": {"default": "{y}"}}}, "arguments.x.default: nothing gives {y}"),
        ({"route": "hybrid"}, "must begin with its route"),
        ({"id": "memory.Find"}, "id: String should match pattern"),
        ({"id": "infrastructure.x", "route": "infrastructure"}, "these are memory"),
        ({"priority": 101}, "priority"),
        ({"budget": {"tokens": 1}}, "budget.tokens"),
        ({"cache_seconds": -1}, "cache_seconds"),
        ({"summary": "a\0b"}, "NUL character"),
        ({"steps": [{"name": "a", "recall": "x", "min_score": float("nan")}]}, "min_score"),
    ],
)
def test_what_would_fail_later_is_refused_with_its_key(
    changes: dict[str, object], said: str
) -> None:
    assert said in problem(**changes)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("(?=ahead)", "invalid perl operator"),
        ("(", "missing )"),
        (r"\pL{1,900}", "too large"),
    ],
)
def test_an_expression_that_re2_refuses_is_named_with_its_reason(
    expression: str, reason: str
) -> None:
    said = problem(triggers={"regex": [expression]}, steps=[{"name": "a", "recall": "x"}])

    assert "triggers.regex[1]: RE2 refuses" in said
    assert reason in said


@pytest.mark.parametrize(
    "changes",
    [
        {"triggers": {"regex": ["a" * (REGEX_CHARS_MAX + 1)]}},
        {"triggers": {"exact": ["a"] * 51}},
        {"summary": "a" * 301},
        {"steps": [{"name": f"s{n}", "recall": "x"} for n in range(STEPS_MAX + 1)]},
        {"steps": [{"name": "a", "recall": "x" * 4_001}]},
        {"examples": {"match": ["x"] * 401}},
    ],
)
def test_everything_has_a_bound(changes: dict[str, object]) -> None:
    assert "at most" in problem(**changes)


def test_a_broken_file_is_named_with_line_and_key(write) -> None:
    path = write(
        "memory.find",
        """
        id: memory.find
        route: memory
        summary: Find
        steps:
          - name: found
            recall: "x"
            limt: 3
        """,
    )

    with pytest.raises(PatternFileError) as caught:
        read_pattern(path)

    assert str(caught.value) == f"{path}:8: steps[1].limt: this key is not known here"


def test_a_line_is_found_within_one_line_mappings(write) -> None:
    path = write("memory.x", 'id: memory.x\nroute: memory\nsteps:\n  - {name: a, recal: "x"}\n')

    with pytest.raises(PatternFileError) as caught:
        read_pattern(path)

    assert caught.value.line is not None


def test_an_id_that_is_not_the_path_is_refused(write, folder: Path) -> None:
    path = write("memory.one").rename(folder / "memory" / "two.yaml")

    with pytest.raises(PatternFileError, match=r"two\.yaml:2: id: 'memory\.one' does not equal"):
        read_pattern(path)


@pytest.mark.parametrize(
    "text", ["a: [", "- list", "a: &x 1\nb: *x", "\tx: 1", "id: memory.x\nid: memory.x", ""]
)
def test_yaml_that_cannot_be_used_is_a_pattern_problem(write, text: str) -> None:
    with pytest.raises(PatternFileError):
        read_pattern(write("memory.x", text))
