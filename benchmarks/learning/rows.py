"""Which rows a table has, and what each of their cells asks for.

A cell is one recommender on one file in one mode. It has a store of its own and can be sent to
another process, so that cells are scored side by side and none depends on another one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.learning import modes
from benchmarks.learning.baselines import BASELINES
from benchmarks.learning.beside import BesideRecommender
from benchmarks.learning.modes import Scores
from benchmarks.learning.product import Product
from benchmarks.learning.recommenders import BaselineRecommender, ProductRecommender, Recommender
from benchmarks.learning.server import Server
from benchmarks.learning.traces import Session, read
from tmws_mcp.learning.experts import EXPERTS
from tmws_mcp.learning.weights import Row as Weights

PRODUCT, OVER_MCP = "tmws_mcp", "tmws_mcp over MCP"
HELD_OUT = "  weights of other files"
OTHER_SESSIONS_MAX = 100
"""Of each other file, so that a file of thousands of sessions neither rules nor takes hours."""

Maker = Callable[[], Recommender]
Fitted = Mapping[str, Weights]


@dataclass(frozen=True, slots=True)
class Options:
    """Which rows beside the baselines and the product."""

    mcp: bool = False
    beside: tuple[str, ...] = ()
    without_each: bool = False
    trained_elsewhere: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A recommender on the sessions of a file."""

    make: Maker
    path: Path
    mode: str
    limit: int | None = None
    others: tuple[Path, ...] = ()
    """Files whose sessions are observed first."""
    others_only: bool = False
    """Nothing of the file itself is observed."""

    def scores(self) -> Scores:
        """Make the recommender and return what it reaches."""
        recommender = self.make()
        try:
            for session in self._first():
                modes.observe_session(recommender, session)
            return self._way()(recommender, read(self.path, limit=self.limit))
        finally:
            recommender.close()

    def _first(self) -> list[Session]:
        most = min(self.limit or OTHER_SESSIONS_MAX, OTHER_SESSIONS_MAX)
        return [session for path in self.others for session in read(path, limit=most)]

    def _way(self) -> Callable[[Recommender, Sequence[Session]], Scores]:
        if self.others_only:
            return modes.asked_only
        return modes.online if self.mode == "online" else modes.unseen


Rows = dict[str, list[Cell]]


def product(without: str = "", first: Fitted | None = None) -> Recommender:
    """Return the product in this process, without an expert, or with other first weights."""
    experts = {name: expert for name, expert in EXPERTS.items() if name != without}
    return ProductRecommender(Product(experts, first=first))


def over_mcp() -> Recommender:
    """Return the product through a server of its own."""
    return ProductRecommender(Server())


def makers(options: Options) -> dict[str, Maker]:
    """Return what is scored on each file alike, by name."""
    found: dict[str, Maker] = {name: partial(BaselineRecommender, name) for name in BASELINES}
    found |= {name: partial(BesideRecommender, name) for name in options.beside}
    found[PRODUCT] = product
    if options.mcp:
        found[OVER_MCP] = over_mcp
    for name in EXPERTS if options.without_each else ():
        found[f"  without {name}"] = partial(product, name)
    return found


def rows(paths: Sequence[Path], mode: str, options: Options, fitted: Sequence[Fitted] = ()) -> Rows:
    """Return the rows of a mode, a cell for each file; `fitted`: weights of the others of each."""
    found = {
        name: [Cell(make, path, mode, options.limit) for path in paths]
        for name, make in makers(options).items()
    }
    plain = found[PRODUCT]
    weighed = [
        replace(cell, make=partial(product, first=first))
        for cell, first in zip(plain, fitted, strict=bool(fitted))
    ]
    if fitted:
        found[HELD_OUT] = weighed
    if options.trained_elsewhere:
        found["  steps of other files"] = _after_others(plain)
        if fitted:
            found["  both of other files"] = _after_others(weighed)
        if mode == "unseen":
            only = [replace(cell, others_only=True) for cell in _after_others(weighed or plain)]
            found["  other files alone"] = only
    return found


def _after_others(cells: Sequence[Cell]) -> list[Cell]:
    paths = [cell.path for cell in cells]
    return [
        replace(cell, others=tuple(path for path in paths if path != cell.path)) for cell in cells
    ]
