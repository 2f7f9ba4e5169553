"""How a benchmark shows its figures: a table for people, one JSON object with `--json`."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue


@dataclass(frozen=True)
class Table:
    """Rows of one kind under a title, the first column being what is measured."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [list(self.columns), *map(list, self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        text = [f"{self.title}\n"]
        for line in lines:
            first, *rest = (
                cell.ljust(width) if not i else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            text.append("  ".join((f"  {first}", *rest)).rstrip())
        return "\n".join(text) + "\n"


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser that knows `--json`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print figures for programs")
    return parser


def show(figures: Mapping[str, JsonValue], tables: Sequence[Table], *, as_json: bool) -> None:
    """Print the figures."""
    print(json.dumps(figures, indent=2) if as_json else "\n".join(map(str, tables)))
