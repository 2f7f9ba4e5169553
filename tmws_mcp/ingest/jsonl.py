"""JSON lines with the fields of observe_interaction, as `tmws-mcp observe` takes them."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from tmws_mcp.ingest.files import Advance, Complain, lines
from tmws_mcp.model import Interaction
from tmws_mcp.model.problems import problems

SUFFIXES = (".jsonl",)


def read(path: Path, complain: Complain, advance: Advance) -> Iterator[Interaction]:
    """Give the interactions; a line with other fields is told and left out."""
    for number, entry in enumerate(lines(path, complain, advance), 1):
        try:
            yield Interaction.model_validate(entry)
        except ValidationError as error:
            told = problems(error, tuple(Interaction.model_fields))
            complain(f"{path.name}: object {number}: {told}")
