from datetime import UTC, datetime, timedelta, timezone

import pytest

from tmws_mcp.actions.action import Workspace
from tmws_mcp.actions.clock import ACTION, times, zone_named
from tmws_mcp.errors import ActionError


def test_a_moment_is_told_in_both_zones() -> None:
    zone = timezone(timedelta(hours=2), "CEST")
    told = times(datetime(2026, 7, 1, 0, 30, tzinfo=zone))

    assert told == {
        "utc": "2026-06-30T22:30:00+00:00",
        "local": "2026-07-01T00:30:00+02:00",
        "zone": "CEST",
        "weekday": "Wednesday",
        "unix_seconds": 1782858600,
    }


@pytest.mark.anyio
async def test_the_action_tells_the_present() -> None:
    before = datetime.now(tz=UTC).timestamp()
    told = await ACTION.run({}, Workspace())

    assert isinstance(told, dict)
    assert int(before) <= told["unix_seconds"] <= datetime.now(tz=UTC).timestamp()
    with pytest.raises(ActionError, match="this action takes zone"):
        await ACTION.run({"place": "UTC"}, Workspace())


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("tokyo", "Asia/Tokyo"),
        ("New York", "America/New_York"),
        ("utc", "UTC"),
        ("PST", "America/Los_Angeles"),
    ],
)
def test_a_zone_is_found_by_its_name_its_city_or_its_abbreviation(said: str, zone: str) -> None:
    assert str(zone_named(said)) == zone


def test_a_zone_that_is_not_there_is_answered_with_what_may_be_meant() -> None:
    with pytest.raises(ActionError, match="Did you mean Europe/Berlin"):
        zone_named("Berlim")
    with pytest.raises(ActionError, match="No time zone is called"):
        zone_named("../../etc/passwd")
    with pytest.raises(ActionError, match="No time zone is called"):
        zone_named("x" * 100_000)


@pytest.mark.anyio
async def test_the_time_in_another_zone_is_told_there() -> None:
    told = await ACTION.run({"zone": "Asia/Tokyo"}, Workspace())

    assert isinstance(told, dict)
    assert told["zone"] == "Asia/Tokyo"
    assert str(told["local"]).endswith("+09:00")
