"""Score the recommendations: `python -m benchmarks.learning TRACES... [OPTIONS]`.

Two modes. Online: every step is asked about before it is observed. Unseen: the sessions of half of
the tasks are observed, then those of the other half are asked about and never observed. Each file
has a store of its own. The figures of several files are means over the files.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

from benchmarks.learning import beside, fit, rows, table, variants
from benchmarks.learning.modes import MODES, Scores
from benchmarks.learning.plot import reliability_png
from benchmarks.learning.pool import Pool, pool
from benchmarks.learning.rows import Cell, Fitted, Options

SEED = 0


def scored(cells: rows.Rows, workers: Pool) -> dict[str, list[Scores]]:
    """Return the scores of each row's cells; those of large files are begun first."""
    largest_first = sorted(
        (cell for row in cells.values() for cell in row),
        key=lambda cell: -cell.path.stat().st_size,
    )
    begun = {id(cell): workers.begin(Cell.scores, cell) for cell in largest_first}
    return {name: [begun[id(cell)].result() for cell in row] for name, row in cells.items()}


def fitted_to_others(paths: Sequence[Path], workers: Pool) -> list[Fitted]:
    """Return for each file first weights that were fitted to the others alone."""
    samples = workers.each(_sample, paths)
    return [
        fit.fitted([one for other, one in enumerate(samples) if other != place], Random(SEED)).rows
        for place in range(len(paths))
    ]


def _sample(path: Path) -> list[fit.Example]:
    return fit.sample(path, Random(SEED))


def main() -> None:
    """Print a table for each mode, then one of the variants."""
    parser = _parser()
    asked = parser.parse_args()
    if not asked.traces and not asked.variants:
        parser.error("name a file of traces, or --variants FILE")
    if asked.plot and not asked.traces:
        parser.error("--plot draws what is reached on traces: name a file of them")
    options = Options(
        mcp=asked.mcp,
        beside=tuple(asked.beside),
        without_each=asked.without_each,
        trained_elsewhere=asked.trained_elsewhere,
        limit=asked.limit,
    )
    with pool(asked.jobs) as workers:
        if asked.traces:
            fitted = fitted_to_others(asked.traces, workers) if asked.held_out else ()
            for mode in asked.modes:
                found = scored(rows.rows(asked.traces, mode, options, fitted), workers)
                _show(mode, found, asked)
        if asked.variants:
            print(f"variants\n{variants.table(asked.variants, options, workers)}\n", flush=True)


def _show(mode: str, found: dict[str, list[Scores]], asked: argparse.Namespace) -> None:
    files = [path.name.removesuffix(".jsonl.gz") for path in asked.traces]
    for one in table.each(found, files) if asked.each else ():
        print(f"{mode}, {one}\n")
    if not asked.each or len(files) > 1:
        print(f"{mode}\n{table.table(found)}\n", flush=True)
    if asked.plot:
        row = found[rows.HELD_OUT if asked.held_out else rows.PRODUCT]
        drawn = reliability_png([scores.next.bins() for scores in row])
        asked.plot.with_stem(f"{asked.plot.stem}-{mode}").write_bytes(drawn)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    say = parser.add_argument
    say("traces", nargs="*", type=Path)
    say(
        "--modes",
        nargs="+",
        choices=MODES,
        default=MODES,
        help="default: both; name the traces before it",
    )
    say("--limit", type=int, metavar="N", help="the first N sessions of each file")
    say("--each", action="store_true", help="a table for each file, before the means")
    say("--mcp", action="store_true", help="a row of the product through a server over stdio")
    say("--beside", action="append", default=[], type=_beside, metavar="MODULE:CLASS",
        help="a row of another recommender; may be given several times")  # fmt: skip
    say("--without-each", action="store_true", help="a row for each expert left out")
    say("--held-out", action="store_true",
        help="each file with weights that were fitted to the other files alone")  # fmt: skip
    say("--trained-elsewhere", action="store_true",
        help="each file after the sessions of the other files were observed")  # fmt: skip
    say("--variants", type=Path, metavar="FILE", help="a table of variants chosen, of their runs")
    say("--plot", type=Path, metavar="PNG",
        help="draw confidence against hits for each mode, which is added to the name")  # fmt: skip
    say("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    return parser


def _beside(name: str) -> str:
    try:
        beside.found(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return name


if __name__ == "__main__":
    main()
