"""How what was reached is shown: a row for each recommender, a column for each figure."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from benchmarks.learning.modes import Scores

COLUMNS = (
    "acc@1", "acc@3", "success", "ECE", "chance", "at .9",
    "rec@1", "rec@3", "rec ECE", "chance'", "rep .7", "workflow",
)  # fmt: skip
NAME_CHARS = 26

Figures = Mapping[str, float]


def table(rows: Mapping[str, Sequence[Scores]]) -> str:
    """Return the rows as a table, each figure the mean over those files that have it."""
    return lines(
        COLUMNS, {name: mean([one.figures() for one in row]) for name, row in rows.items()}
    )


def each(rows: Mapping[str, Sequence[Scores]], files: Sequence[str]) -> list[str]:
    """Return a table for each file, headed by its name and how often was asked."""
    tables = []
    for place, file in enumerate(files):
        own = {name: [row[place]] for name, row in rows.items()}
        first = next(iter(own.values()))[0]
        asked = f"{first.next.n} steps, {first.recover.n} errors, {len(first.workflow)} workflows"
        tables.append(f"{file}: {asked}\n{table(own)}")
    return tables


def mean(files: Sequence[Figures]) -> Figures:
    """Return each figure's mean over the files that have it."""
    names = {name for figures in files for name in figures}
    return {name: fmean(one[name] for one in files if name in one) for name in names}


def lines(columns: Sequence[str], rows: Mapping[str, Figures]) -> str:
    """Return figures as lines, `-` where there is none."""
    wide = max(NAME_CHARS, *(len(name) + 1 for name in rows))
    head = " " * wide + "".join(f"{column:>9s}" for column in columns)
    return "\n".join([head, *(_line(name, wide, columns, row) for name, row in rows.items())])


def _line(name: str, wide: int, columns: Sequence[str], row: Figures) -> str:
    cells = (f"{row[column]:.3f}" if column in row else "-" for column in columns)
    return name.ljust(wide) + "".join(f"{cell:>9s}" for cell in cells)
