"""Why does a query find what it finds: what each signal adds to the rank of each memory."""

from urllib.parse import quote

from pydantic import TypeAdapter

from tmws_mcp.cli.exits import NOTHING, OK, end
from tmws_mcp.cli.render import console, print_json, show, table
from tmws_mcp.cli.target import Server
from tmws_mcp.errors import NotFound
from tmws_mcp.model.memory import Explained


async def found(server: Server, query: str, name: str) -> tuple[Explained, ...]:
    """Return what a query finds with the shares of its signals; of one memory, if one is named.

    Raises:
        NotFound: The query does not find the memory that is named.
    """
    told = await server.read_own(f"tmws://recall/{quote(query, safe='')}")
    every = TypeAdapter(tuple[Explained, ...]).validate_python(told)
    chosen = tuple(one for one in every if not name or one.id == name)
    if name and not chosen:
        raise NotFound(
            "memory among the best that the query finds",
            name,
            remedy="Leave the id out to see all.",
        )
    return chosen


def show_ranks(ranks: tuple[Explained, ...]) -> None:
    """Print a table: a memory in each row, a signal in each column."""
    signals = list(
        dict.fromkeys(name for one in ranks for name, share in one.shares.items() if share)
    )
    rows = [
        (one.id, one.score, *(one.shares.get(name, 0.0) or "" for name in signals), one.content)
        for one in ranks
    ]
    columns = ("memory", "score", *signals, "it says")
    console().print(table(columns, rows, numbers=("score", *signals)))


def show_all(ranks: tuple[Explained, ...], *, as_json: bool) -> None:
    """Print ranks for people or for programs."""
    if as_json:
        print_json(ranks)
    elif ranks:
        show_ranks(ranks)
    else:
        show("The query finds nothing.", "")
    end(OK if ranks else NOTHING)
