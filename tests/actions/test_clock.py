from datetime import UTC, datetime, timedelta, timezone

import pytest

from tmws_mcp.actions.action import Workspace
from tmws_mcp.actions.clock import ACTION, times
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
    with pytest.raises(ActionError, match="none at all"):
        await ACTION.run({"zone": "UTC"}, Workspace())
