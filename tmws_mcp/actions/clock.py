"""What time is it? Models do not know, and a time without its zone misleads them."""

from datetime import UTC, datetime

from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace, only
from tmws_mcp.model import JsonObject


def times(now: datetime) -> JsonObject:
    """Return the moment in UTC, in its own zone, and in seconds since 1970."""
    return {
        "utc": now.astimezone(UTC).isoformat(timespec="seconds"),
        "local": now.isoformat(timespec="seconds"),
        "zone": now.tzname() or "UTC",
        "weekday": now.strftime("%A"),
        "unix_seconds": int(now.timestamp()),
    }


async def _run(arguments: JsonObject, where: Workspace) -> JsonValue:
    del where
    only(arguments)
    return times(datetime.now(tz=UTC).astimezone())


ACTION = Action("clock.now", "The time now, in UTC and in the local zone", _run)
