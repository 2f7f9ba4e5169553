"""Fit the weights that ship: `python -m benchmarks.learning.fit OUT TRACES...`.

Each file is replayed through the product, as its steps are observed; what the experts say before
each step is kept, and the weights are moved along the slope over all files mixed, several times.
The files count alike, whatever their size, so that no one domain rules.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from benchmarks.learning.calls import ending, observation, question
from benchmarks.learning.product import Product
from benchmarks.learning.traces import Session, read, right_answers
from tmws_mcp.learning.blend import AFTER, Board, slope, softmax
from tmws_mcp.learning.weights import Weights
from tmws_mcp.store.driver import Connection

PASSES = 3
RATE = 0.085
"""Faster than a store learns: there every step comes once, and the weights begin well."""
INERTIA = 8.0
"""Of a domain's first examples as of all others: none is what a store will meet."""
EACH_FILE_NEXT, EACH_FILE_RECOVER = 1_500, 400
DIGITS = 3
BEGIN = {
    "any": {
        "ngram": 0.7, "similar": 0.4, "after_error": 0.3, "named_by_task": 0.3, "skip": 0.2,
        "named_by_turn": 0.3, "followed": 0.3, "session": 0.2, "recovery": 0.3,
    }
}  # fmt: skip

Example = tuple[Board, str]


def examples(sessions: Sequence[Session]) -> Iterator[tuple[str, Example]]:
    """Yield (want, (what the experts say, what happened)) of each step, then observe it."""
    product = Product()
    try:
        for session in sessions:
            yield from _session_examples(product, session)
            product.observe(ending(session))
    finally:
        product.close()


def _session_examples(product: Product, session: Session) -> Iterator[tuple[str, Example]]:
    turn = ""
    for number, step in enumerate(session.steps):
        turn = step.get("turn") or turn
        before = session.steps[:number]
        for want, happened in right_answers(session, number):
            board = product.board(question(session, before, turn, want))
            if board and happened in board.tools:
                yield want, (board, happened)
        product.observe(observation(session, step, turn))


def sample(path: Path, draw: random.Random) -> list[Example]:
    """Return examples of a file, a bounded number of each kind."""
    by_want: dict[str, list[Example]] = {"next": [], "recover": []}
    for want, example in examples(read(path)):
        by_want[want].append(example)
    return [
        example
        for want, most in (("next", EACH_FILE_NEXT), ("recover", EACH_FILE_RECOVER))
        for example in draw.sample(by_want[want], min(len(by_want[want]), most))
    ]


def fitted(files: Sequence[Sequence[Example]], draw: random.Random) -> Weights:
    """Return weights fitted to the examples of several files."""
    weights = _unstored()
    mixed = [example for file in files for example in file]
    for _ in range(PASSES):
        draw.shuffle(mixed)
        for board, happened in mixed:
            # Whom to trust after a tool is each store's own to learn.
            shipped = [one for one in board.situations if not one.startswith(AFTER)]
            shares = softmax(board, weights.of(shipped))
            weights.move(shipped, slope(board, shares, happened))
    return weights


class _Nothing:
    """A store that has no weights yet."""

    def rows(self, _sql: str, _params: object = ()) -> list[tuple[object, ...]]:
        return []


def _unstored() -> Weights:
    return Weights(cast("Connection", _Nothing()), 0, BEGIN, RATE, INERTIA)


def write(weights: Weights, out: Path) -> None:
    """Write weights as they ship, nearly-zero ones left out."""
    rows = {
        situation: kept
        for situation, row in sorted(weights.rows.items())
        if (
            kept := {
                column: round(weight, DIGITS)
                for column, weight in sorted(row.items())
                if round(weight, DIGITS)
            }
        )
    }
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    out.write_text(f"{{\n{text}\n}}\n", "utf-8")


def main(out: str, *paths: str) -> None:
    """Fit to the files and write what is found."""
    draw = random.Random(0)
    write(fitted([sample(Path(path), draw) for path in paths], draw), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
