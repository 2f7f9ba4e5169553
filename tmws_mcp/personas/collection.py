"""The personas of all folders, and what is wrong with the files that could not be used.

As with patterns, one broken file takes no other away, and a later folder replaces a persona of the
same name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from tmws_mcp.errors import PersonaFileError
from tmws_mcp.personas.definition import Persona, read_persona
from tmws_mcp.yamlfile import is_file_within

PERSONAS_MAX = 50
ENTRIES_SEEN_MAX = 1_000
"""A setting that names a home folder by mistake must not have thousands of files read."""
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Personas:
    """Personas by name, read at one moment."""

    by_name: Mapping[str, Persona]
    problems: tuple[PersonaFileError, ...] = ()

    def named(self, name: str) -> Persona | None:
        """Return the persona of a name, in any case."""
        return self.by_name.get(name.strip().casefold())


def shipped_personas() -> Path:
    """Return the folder of the shipped personas, in a wheel or in a clone."""
    package = Path(__file__).parents[1]
    inside = package / "_personas"
    return inside if inside.is_dir() else package.parent / "personas"


def load_personas(folders: Sequence[Path] = ()) -> Personas:
    """Return the shipped personas and those of the folders; a later one replaces the same name."""
    found: dict[str, Persona] = {}
    problems: list[PersonaFileError] = []
    places = (shipped_personas(), *folders)
    for path in (path for folder in places for path in _files(folder, problems)):
        try:
            persona = read_persona(path)
        except PersonaFileError as error:
            problems.append(error)
            continue
        if persona.name not in found and len(found) >= PERSONAS_MAX:
            problem = f"more than {PERSONAS_MAX} personas; this file and those after it are left"
            problems.append(PersonaFileError(path, problem))
            break
        found[persona.name] = persona
    return Personas(MappingProxyType(found), tuple(problems))


def _files(folder: Path, problems: list[PersonaFileError]) -> Iterator[Path]:
    """Give the files of a folder by name; links that lead out of it are refused."""
    if not folder.is_dir():
        problems.append(PersonaFileError(folder, "is not a folder; make it or drop the setting"))
        return
    root = folder.resolve()
    for path in sorted(islice(root.iterdir(), ENTRIES_SEEN_MAX)):
        if path.suffix not in SUFFIXES or path.name.startswith("."):
            continue
        if is_file_within(path, root):
            yield path
        else:
            problems.append(
                PersonaFileError(path, "is a link that leads out of its folder, or to no file")
            )
