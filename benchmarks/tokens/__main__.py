"""How many tokens does a call of pattern_execute save against the calls that it stands for?

    python -m benchmarks.tokens [--tasks-per-session N] [--json]

Counted is what a model writes (calls with their arguments) and reads (results), and the share of
the list of tools that a session pays once. Thinking between calls, and that each further call has
the whole context read again, are not counted: both would speak for one call.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
from mcp import Client
from pydantic import JsonValue

from benchmarks.report import Table, arguments, show
from benchmarks.tokens import o200k, world
from benchmarks.tokens.plain import plain_server
from benchmarks.tokens.tasks import Done, do, listed, read_tasks
from tmws_mcp import open_engine
from tmws_mcp.server.app import build_server
from tmws_mcp.settings import Settings
from tmws_mcp.tokens import estimate_tokens

TASKS_MIN = 50
TASKS_PER_SESSION = 10
WORST_SHOWN = 5
AIM = 0.40
"""Of the median; missed or met, it is printed."""

Count = Callable[[str], int]


@dataclass(frozen=True)
class Saving:
    """What a task costs in both ways, in tokens."""

    done: Done
    ours: float
    theirs: float

    @property
    def share(self) -> float:
        """The share that is saved; negative where ours costs more."""
        return 1 - self.ours / self.theirs


async def run(folder: Path, now: datetime) -> tuple[list[Done], str, str]:
    """Do all tasks; return them with the lists of tools of both ways."""
    project = folder / "project"
    project.mkdir()
    world.make_project(project, now)
    # A store for each way: what a task of the one stores, the other must not find there already.
    ours_settings = await _filled(folder, project, "ours", now)
    theirs_settings = await _filled(folder, project, "theirs", now)
    async with (
        Client(build_server(ours_settings)) as ours,
        Client(build_server(theirs_settings)) as theirs,
        Client(plain_server(project)) as plain,
    ):
        done = [await do(task, ours, theirs, plain) for task in read_tasks(now)]
        without = f"{await listed(theirs, leave='pattern_execute')}\n{await listed(plain)}"
        return done, await listed(ours), without


async def _filled(folder: Path, project: Path, home: str, now: datetime) -> Settings:
    environ = {"TMWS_HOME": str(folder / home), "TMWS_NAMESPACE": "harbor"}
    settings = Settings.load(environ | {"TMWS_WORKSPACE": str(project)}, cwd=folder)
    async with open_engine(settings) as engine:
        await world.fill(engine, now)
    return settings


def counter(texts: Sequence[str]) -> tuple[Count, str]:
    """Return what counts the tokens of a text, and by which means."""
    counted = o200k.counts(texts)
    if counted is None:
        return estimate_tokens, "estimated: node, npm or gpt-tokenizer cannot be had"
    exact = dict(zip(texts, counted, strict=True))
    return exact.__getitem__, f"o200k, by {o200k.TOKENIZER} {o200k.TOKENIZER_VERSION}"


def savings(
    done: Sequence[Done], count: Count, ours_list: float, theirs_list: float
) -> list[Saving]:
    """Return what each task costs; where ours lacks a fact, both ways are paid."""
    found = []
    for each in done:
        theirs = sum(count(exchange.text) for exchange in each.theirs)
        ours = count(each.ours.text) + (theirs if each.lacking else 0)
        found.append(Saving(each, ours + ours_list, theirs + theirs_list))
    return found


def summary(found: Sequence[Saving]) -> dict[str, JsonValue]:
    """Return the distribution of the shares."""
    shares = sorted(each.share for each in found)
    low, median, high = statistics.quantiles(shares, n=4)
    return {
        "median": round(median, 3),
        "quartile_1": round(low, 3),
        "quartile_3": round(high, 3),
        "least": round(shares[0], 3),
        "most": round(shares[-1], 3),
        "losses": sum(share < 0 for share in shares),
        "of_all_tokens": round(1 - sum(e.ours for e in found) / sum(e.theirs for e in found), 3),
    }


def main() -> int:
    """Print the figures; 1 if a task is no longer what it says."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--tasks-per-session", type=int, default=TASKS_PER_SESSION)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done, ours_list, theirs_list = anyio.run(run, Path(folder), datetime.now(tz=UTC))
    texts = [exchange.text for each in done for exchange in (each.ours, *each.theirs)]
    count, means = counter([ours_list, theirs_list, *texts])
    per = asked.tasks_per_session
    lists = (count(ours_list), count(theirs_list))
    ways = {
        f"with the lists of tools, {per} tasks a session": (lists[0] / per, lists[1] / per),
        "with the lists of tools, one task a session": lists,
        "calls and results alone": (0.0, 0.0),
    }
    found = {name: savings(done, count, *shares) for name, shares in ways.items()}
    figures: dict[str, JsonValue] = {name: {**summary(each)} for name, each in found.items()}
    calls = sum(len(each.theirs) for each in done)
    figures |= {"counted": means, "tasks": len(done), "calls": calls, "lists": [*lists]}
    show(figures, [*tables(found, figures)], as_json=asked.json)
    return int(bool(mistakes(done)))


def tables(found: dict[str, list[Saving]], figures: dict[str, JsonValue]) -> list[Table]:
    """Return the distribution, the routes, the worst tasks and all tasks."""
    first = next(iter(found.values()))
    title = (
        f"Saved in {figures['tasks']} tasks by one call each instead of {figures['calls']} calls "
        f"({figures['counted']}; lists of tools: {figures['lists']} tokens)"
    )
    columns = ("share saved", "median", "quartiles", "least", "most", "losses", "of all tokens")
    rows = [(name, *_cells(summary(each))) for name, each in found.items()]
    by_route = [
        (route, *_cells(summary([s for s in first if s.done.pattern.startswith(route)])))
        for route in ("infrastructure", "memory", "hybrid")
    ]
    worst = sorted(first, key=lambda each: each.share)
    aim = f"aim: median {AIM:.0%}"
    return [
        Table(f"{title}; {aim}", columns, rows),
        Table("By route, with the lists", columns, by_route),
        Table(f"The worst {WORST_SHOWN}", TASK_COLUMNS, [_row(s) for s in worst[:WORST_SHOWN]]),
        Table("All others", TASK_COLUMNS, [_row(s) for s in worst[WORST_SHOWN:]]),
    ]


TASK_COLUMNS = ("query", "pattern", "calls", "theirs", "ours", "saved", "lacking")


def _cells(told: dict[str, JsonValue]) -> tuple[str, ...]:
    quartiles = f"{_share(told['quartile_1'])} - {_share(told['quartile_3'])}"
    ends = (_share(told["least"]), _share(told["most"]), str(told["losses"]))
    return _share(told["median"]), quartiles, *ends, _share(told["of_all_tokens"])


def _share(value: JsonValue) -> str:
    assert isinstance(value, int | float)
    return f"{value:.0%}"


def _row(saving: Saving) -> tuple[str, ...]:
    done = saving.done
    tokens = (f"{saving.theirs:.0f}", f"{saving.ours:.0f}", f"{saving.share:.0%}")
    return (
        done.task.query,
        done.pattern,
        str(len(done.theirs)),
        *tokens,
        "; ".join(done.lacking),
    )


def mistakes(done: Sequence[Done]) -> list[str]:
    """Say on stderr which tasks no longer test what they say."""
    found = [f"{d.task.query!r}: neither way brings {d.unanswered}" for d in done if d.unanswered]
    found += [f"{d.task.query!r}: no pattern matches" for d in done if d.pattern == "None"]
    if len(done) < TASKS_MIN:
        found.append(f"there are only {len(done)} tasks")
    for problem in found:
        print(problem, file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
