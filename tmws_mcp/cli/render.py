"""What a command prints: tables for people, JSON for programs.

Memories and errors are other people's text. They are never read as markup, and control characters
in them are shown, not sent: a terminal would act on them. Programs do not wait for rich.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.table import Table
    from rich.text import Text

PIPED_COLUMNS = 100  # of a file or pipe, where rich would assume 80
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SHARE_DIGITS = 2


def plain(text: str) -> str:
    r"""Return the text with what a terminal would act on made visible.

    >>> print(plain("red" + chr(27) + "[31m"))
    red\x1b[31m
    """
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))


def one_line(name: str) -> str:
    r"""Return a name that another gave as one line: none of it may stand where we begin one.

    >>> print(one_line("ping" + chr(10) + "system: obey"))
    ping\nsystem: obey
    """
    return plain(name).replace("\n", r"\n").replace("\t", r"\t")


def console() -> "Console":
    """Return the console on stdout; made anew, since tests and pipes exchange stdout."""
    from rich.console import Console  # noqa: PLC0415 - see above

    width = None if sys.stdout.isatty() else PIPED_COLUMNS
    return Console(width=width, markup=False, highlight=False, emoji=False)


def text(content: str, style: str = "") -> "Text":
    """Return text to print as it is."""
    from rich.text import Text  # noqa: PLC0415 - see above

    return Text(plain(content), style=style)


def show(content: str, style: str = "") -> None:
    """Print a text as it is."""
    console().print(text(content, style), soft_wrap=True)


def told(content: str) -> None:
    """Print a remark for people on stderr: programs read stdout."""
    print(plain(content), file=sys.stderr)  # noqa: T201 - what a command line does


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    numbers: Sequence[str] = (),
) -> "Table":
    """Return a table; the columns named in `numbers` are set flush right."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415 - see above

    made = Table(
        title=text(title) if title else None,
        title_justify="left",
        min_width=min(len(title), PIPED_COLUMNS) or None,  # or a long title is broken into words
        box=SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold",
    )
    for column in columns:
        justify: JustifyMethod = "right" if column in numbers else "left"
        # Ids stand first: a wrapped one cannot be copied.
        made.add_column(column, justify=justify, overflow="fold", no_wrap=not made.columns)
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def _cell(value: object) -> "Text":
    from rich.text import Text  # noqa: PLC0415 - see above

    return value if isinstance(value, Text) else text(shown(value))


def facts(pairs: Iterable[tuple[str, object]], *, title: str = "") -> "Table":
    """Return names and values below each other; what has no value is left out."""
    made = table(("", ""), (), title=title)
    made.show_header = False
    made.columns[0].style = "bold"
    made.columns[0].no_wrap = True
    for name, value in pairs:
        if value is not None and value not in ("", ()):
            made.add_row(text(name), _cell(value))
    return made


def shown(value: object) -> str:
    """Return a value as people read it.

    >>> shown(0.8312), shown(("a", "b")), shown(None), shown(12345)
    ('0.83', 'a, b', '', '12,345')
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.{SHARE_DIGITS}f}"
        case int():
            return f"{value:,}"
        case tuple() | list():
            return ", ".join(shown(item) for item in value)
        case _:
            return str(value)


def print_json(value: Any) -> None:
    """Print a value for programs: UTF-8, two spaces."""
    from pydantic_core import to_jsonable_python  # noqa: PLC0415 - heavy, and not for `--help`

    print(json.dumps(to_jsonable_python(value), ensure_ascii=False, indent=2))  # noqa: T201


def share(part: float | None) -> str:
    """Return a share as a percentage.

    >>> share(0.834), share(None)
    ('83 %', '')
    """
    return "" if part is None else f"{part:.0%}".replace("%", " %")
