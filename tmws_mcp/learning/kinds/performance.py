"""For T, method M1 is faster or cheaper than M2 at no loss of success."""

from tmws_mcp.learning import posterior, wording
from tmws_mcp.learning.counting import VARIANT, Changes
from tmws_mcp.learning.durations import median
from tmws_mcp.learning.identity import pattern_id
from tmws_mcp.model import JsonObject
from tmws_mcp.store import evidence
from tmws_mcp.store.driver import Connection
from tmws_mcp.store.evidence import Context, Tally

KIND = "performance"
RUNS_MIN = 3
GAIN_MIN = 1.2
"""Medians are right within 5 % each: a smaller gain may be none."""
LOSS_MAX = 0.02


def note(db: Connection, ns: int, changes: Changes, key: str, task: str) -> None:
    """Note the method that beats the one used most, where there is one.

    Reads the counts, so that they must be written by now.
    """
    tallies = {
        method: tally
        for method, tally in evidence.tallies(db, ns, VARIANT, key).items()
        if tally.n >= RUNS_MIN
    }
    usual = max(tallies, key=lambda method: (tallies[method].n, method), default=None)
    better = [
        (gain(tally, tallies[usual]), method)
        for method, tally in tallies.items()
        if usual is not None and _no_worse(tally, tallies[usual])
    ]
    best_gain, best = max(better, default=(1.0, ""))
    if usual is None or best_gain < GAIN_MIN:
        return
    made: JsonObject = {"key": key, "task": task, "method": best, "than": usual}
    changes.learned[KIND, pattern_id(KIND, made)] = made


def _no_worse(tally: Tally, other: Tally) -> bool:
    together = Tally()
    together.add(tally)
    together.add(other)
    return posterior.mean([together, tally]) >= posterior.mean([together, other]) - LOSS_MAX


def gain(tally: Tally, other: Tally) -> float:
    """Return how many times faster (else cheaper) one is; 1.0 where nobody measured."""
    if (fast := median(tally.durations)) and (slow := median(other.durations)):
        return slow / fast
    if tally.tokens and other.tokens:
        return (other.tokens / other.metered) / (tally.tokens / tally.metered)
    return 1.0


def slot(made: JsonObject) -> Context:
    """Return where it is counted how well the better method went."""
    return VARIANT, str(made["key"]), str(made["method"])


def rest(db: Connection, ns: int, made: JsonObject) -> Tally:
    """Return how well the method went that it is compared with."""
    return evidence.tally(db, ns, VARIANT, str(made["key"]), str(made["than"]))


def summary(db: Connection, ns: int, made: JsonObject) -> str:
    """Say which method is better, by how much."""
    one, other = evidence.tally(db, ns, *slot(made)), rest(db, ns, made)
    times = gain(one, other)
    how = "faster" if one.durations and other.durations else "cheaper in tokens"
    where = f"for {wording.task(str(made['task']))}, " if made["task"] else ""
    return f"{where}{made['method']} is about {times:.1f} times {how} than {made['than']}"
