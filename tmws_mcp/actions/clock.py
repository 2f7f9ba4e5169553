"""What time is it? Models do not know, and a time without its zone misleads them."""

import zoneinfo
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from functools import cache

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace, only
from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject

ZONE_CHARS_MAX = 60
# Spellings that the zone database has not, and that mean one zone to nearly everybody.
SPELLINGS = {
    "z": "UTC",
    "zulu": "UTC",
    "jst": "Asia/Tokyo",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "pacific time": "America/Los_Angeles",
    "edt": "America/New_York",
    "eastern time": "America/New_York",
    "cest": "Europe/Berlin",
    "bst": "Europe/London",
    "san francisco": "America/Los_Angeles",
    "washington": "America/New_York",
    "germany": "Europe/Berlin",
    "france": "Europe/Paris",
    "india": "Asia/Kolkata",
    "china": "Asia/Shanghai",
    "beijing": "Asia/Shanghai",
}


def times(now: datetime, zone: tzinfo | None = None) -> JsonObject:
    """Return the moment in UTC, in its own zone or the one given, and in seconds since 1970."""
    there = now.astimezone(zone) if zone else now
    return {
        "utc": now.astimezone(UTC).isoformat(timespec="seconds"),
        "local": there.isoformat(timespec="seconds"),
        "zone": str(zone) if zone else now.tzname() or "UTC",
        "weekday": there.strftime("%A"),
        "unix_seconds": int(now.timestamp()),
    }


def zone_named(text: str) -> tzinfo:
    """Return the zone of an IANA name, a city in one, or a usual abbreviation.

    >>> str(zone_named("new york"))
    'America/New_York'

    Raises:
        ActionError: None is called so.
    """
    wanted = " ".join(text.casefold().replace("_", " ").split())
    name = _names().get(wanted) or SPELLINGS.get(wanted)
    try:
        if name and len(text) <= ZONE_CHARS_MAX:
            return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):  # no zone database on this machine
        pass
    close = get_close_matches(wanted[:ZONE_CHARS_MAX], _names(), n=3)
    meant = f" Did you mean {', '.join(_names()[each] for each in close)}?" if close else ""
    raise ActionError(
        f"No time zone is called {text[:ZONE_CHARS_MAX]!r}.{meant} Use a name such as "
        "Europe/Berlin, a city, or UTC."
    )


@cache
def _names() -> dict[str, str]:
    """Return the zones by their names in lower case, and by their cities."""
    zones = sorted(zoneinfo.available_timezones())
    cities = {zone.rpartition("/")[2]: zone for zone in zones if "/" in zone}
    named = cities | {zone: zone for zone in zones}
    return {name.casefold().replace("_", " "): zone for name, zone in named.items()}


async def _run(arguments: JsonObject, where: Workspace) -> JsonValue:
    del where
    only(arguments, "zone")
    name = arguments.get("zone", "")
    if not isinstance(name, str):
        raise ActionError("`zone` must be a text such as 'Europe/Berlin'.")
    zone = await anyio.to_thread.run_sync(zone_named, name) if name.strip() else None
    return times(datetime.now(tz=UTC).astimezone(), zone)


ACTION = Action("clock.now", "The time now, in UTC and in the local zone or a named one", _run)
