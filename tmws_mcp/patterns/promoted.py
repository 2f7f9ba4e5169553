"""Patterns made of what was learned: written as files once somebody decides so, and removed."""

from pathlib import Path

from tmws_mcp.errors import InvalidInput, PatternNotFound, StoreNotWritable
from tmws_mcp.model import JsonObject, RegisterReply
from tmws_mcp.model.learned import Promotion
from tmws_mcp.patterns.catalog import PROMOTED, REGISTERED, Catalog
from tmws_mcp.patterns.definition import parse_pattern
from tmws_mcp.patterns.register import PROBLEMS_SHOWN_MAX, new_problems, write_file
from tmws_mcp.yamlfile import format_mapping

NAMES_TRIED_MAX = 100


def promote(made: Promotion, catalog: Catalog, home: Path) -> RegisterReply:
    """Write a learned pattern as a file below `home`.

    Raises:
        InvalidInput: It would not pass `patterns check`.
        StoreNotWritable: Its file cannot be written.
    """
    definition = with_free_id(made, catalog)
    pattern = parse_pattern(definition, path="the pattern")
    path = home / PROMOTED / pattern.route / f"{pattern.id.partition('.')[2]}.yaml"
    if problems := new_problems(pattern, catalog, path):
        said = "; ".join(problem.problem for problem in problems[:PROBLEMS_SHOWN_MAX])
        raise InvalidInput(f"The pattern was not promoted. {said}")
    replaced = path.exists()
    write_file(path, format_mapping(definition))
    return RegisterReply(id=pattern.id, path=str(path), replaced=replaced)


def with_free_id(made: Promotion, catalog: Catalog) -> JsonObject:
    """Return the definition under an id that no other pattern has; its own older file is replaced.

    Raises:
        InvalidInput: All names like it are taken.
    """
    wanted = str(made.definition["id"])
    for number in range(1, NAMES_TRIED_MAX):
        name = wanted if number == 1 else f"{wanted}_{number}"
        holder = catalog.patterns.get(name)
        if holder is None or holder.promoted_from == made.pattern_id:
            return {**made.definition, "id": name}
    raise InvalidInput(f"{NAMES_TRIED_MAX} patterns are called {wanted} already; remove some.")


def remove(name: str, catalog: Catalog, home: Path) -> Path:
    """Remove the file of a pattern that was registered or promoted, and return where it was.

    Raises:
        PatternNotFound: There is no such pattern.
        InvalidInput: It is shipped, or a person put it into a folder of theirs.
        StoreNotWritable: The file cannot be removed.
    """
    path = catalog.files.get(name)
    if path is None:
        raise PatternNotFound(name)
    if not any(path.is_relative_to((home / made).resolve()) for made in (REGISTERED, PROMOTED)):
        raise InvalidInput(
            f"{name} was neither registered nor promoted here, so that it is not removed. "
            "Whoever runs the server can take its file away."
        )
    try:
        path.unlink()
    except OSError as error:
        raise StoreNotWritable(path, error.strerror or str(error)) from error
    return path
