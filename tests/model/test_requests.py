"""What requests take and refuse, before anything is done with them."""

from datetime import UTC, datetime

import pytest

from tmws_mcp.errors import InvalidInput
from tmws_mcp.model import RecallRequest, StoreRequest
from tmws_mcp.model.problems import PROBLEMS_MAX, validated


def test_a_time_without_a_zone_is_utc() -> None:
    request = validated(RecallRequest, {"since": "2026-05-08"})

    assert request.since == datetime(2026, 5, 8, tzinfo=UTC)


def test_a_time_is_kept_in_utc() -> None:
    request = validated(RecallRequest, {"since": "2026-05-08T02:00:00+02:00"})

    assert request.since == datetime(2026, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00"])
def test_a_time_beyond_the_calendar_is_refused(moment: str) -> None:
    with pytest.raises(InvalidInput, match="since: lies outside of the years"):
        validated(RecallRequest, {"since": moment})


def test_no_more_than_a_few_problems_are_told() -> None:
    with pytest.raises(InvalidInput, match=r"and 3 more\.") as refused:
        validated(StoreRequest, {"content": "x", **{f"no{n}": n for n in range(PROBLEMS_MAX + 3)}})

    assert len(str(refused.value)) < 3_000


def test_a_request_is_not_validated_twice() -> None:
    request = StoreRequest(content="x")

    assert validated(StoreRequest, request) is request
