"""Evidence in plain words, short enough for a model's context."""

from datetime import UTC, datetime

from tmws_mcp.store.evidence import Tally

TASK_CHARS_SHOWN = 60
TEMPLATE_CHARS_SHOWN = 60


def day(at: float) -> str:
    """Return the date of a moment (UTC)."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def moment(at: float) -> str:
    """Return a moment as ISO 8601, in seconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def percent(share: float) -> str:
    """Return a share in per cent.

    >>> percent(0.314)
    '31 %'
    """
    return f"{100 * share:.0f} %"


def worked(tally: Tally) -> str:
    """Return how often something worked; after a change, how often since then.

    >>> worked(Tally(n=8, ok=7, last_at=0.0, actors=frozenset({"a", "b"})))
    'worked in 7 of 8 runs, last 1970-01-01, on 2 instances'
    """
    runs = "run" if tally.fresh_n == 1 else "runs"
    since = ""
    if tally.changed_at:
        before = f"before: {tally.before_ok} of {tally.before_n}"
        turn = "worse" if tally.got_worse else "better"
        since = f" since it got {turn} ({day(tally.changed_at)}; {before})"
    where = f", on {len(tally.actors)} instances" if len(tally.actors) > 1 else ""
    how_often = f"worked in {tally.fresh_ok} of {tally.fresh_n} {runs}"
    return f"{how_often}{since}, last {day(tally.last_at)}{where}"


def without(rest: Tally | None) -> str:
    """Return how often the alternatives worked, as an addition to a sentence."""
    return f"; without it {percent(rest.ok / rest.n)}" if rest and rest.n else ""


def cut(text: str, chars_max: int) -> str:
    """Return the beginning of a text on one line, with a mark where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= chars_max else line[: chars_max - 1].rstrip() + "…"


def task(text: str) -> str:
    """Return a task as it is quoted in a sentence; other instances do not tell its text."""
    return f'"{cut(text, TASK_CHARS_SHOWN)}"' if text else "one that another instance has met"


def seconds(duration: float) -> str:
    """Return a duration.

    >>> seconds(0.25), seconds(90.0)
    ('250 ms', '1.5 min')
    """
    if duration < 1:
        return f"{1000 * duration:.0f} ms"
    return f"{duration:.1f} s" if duration < 60 else f"{duration / 60:.1f} min"  # noqa: PLR2004
