"""What a model is told about arguments that do not fit: what they must be, in the words of JSON."""

import math

import pytest

from tmws_mcp.errors import InvalidInput
from tmws_mcp.model import ExecuteRequest, ObserveRequest, RecommendRequest, Request, StoreRequest
from tmws_mcp.model.problems import validated


@pytest.mark.parametrize(
    ("model", "values", "said"),
    [
        (
            StoreRequest,
            {"content": "x" * 100_001},
            "content: has 100,001 characters, the limit is 100,000.",
        ),
        (StoreRequest, {"content": ""}, "content: must not be empty."),
        (
            StoreRequest,
            {"content": 5, "tags": {}},
            "content: must be text. tags: must be an array.",
        ),
        (
            StoreRequest,
            {"content": "x", "tags": ["a"] * 33},
            "tags: has 33 items, the limit is 32.",
        ),
        (
            StoreRequest,
            {"content": "x", "importance": math.nan},
            "importance: must be a finite number.",
        ),
        (
            ObserveRequest,
            {"arguments": [1]},
            "arguments: must be an object. arguments: must be text.",
        ),
        (ObserveRequest, {"interactions": [1]}, "interactions.0: must be an object."),
        (ObserveRequest, {"success": "maybe"}, "success: must be true or false."),
        (
            ExecuteRequest,
            {"query": "x", "context": dict.fromkeys(map(str, range(60)))},
            "context: has too many items, the limit is 50.",
        ),
        (
            RecommendRequest,
            {"metadata": {"a": [math.inf]}},
            "metadata.a.0: must be a finite number.",
        ),
    ],
)
def test_a_problem_says_what_the_value_must_be(
    model: type[Request], values: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        validated(model, values)

    assert str(refused.value) == said
