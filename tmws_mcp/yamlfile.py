"""YAML and JSON files read safely, with errors that name the line and the key.

Data files hold data: `safe_load` builds no objects, aliases are refused (nine of them can stand
for a billion nodes), duplicate keys are an error rather than a silent loss, and size and depth are
bounded before anything is built.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tmws_mcp.errors import FileError, TooLarge

if TYPE_CHECKING:
    import yaml

FILE_BYTES_MAX = 256 * 1024
DEPTH_MAX = 20


def is_file_within(path: Path, root: Path) -> bool:
    """Say whether a path is a file below a folder (a real path), wherever links lead."""
    try:
        return path.resolve().is_relative_to(root) and path.is_file()
    except (OSError, RuntimeError):  # a loop of links is the latter before Python 3.13
        return False


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML or JSON file holds.

    Raises:
        FileError: The file cannot be read, is too large or too deep, or is not a mapping.
    """
    return parse_mapping(_read_text(path), path=path)


def parse_mapping(text: str, *, path: Path | str) -> dict[str, Any]:
    """Return the mapping that a YAML or JSON text holds; `path` names it in errors."""
    import yaml  # noqa: PLC0415 - not before `initialize` is answered

    try:
        data = yaml.load(text, Loader=_loader(path))  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise _file_error(path, error) from error
    except (ValueError, RecursionError) as error:  # a date that is none, a number too long
        raise FileError(path, f"cannot be read as YAML: {error}") from error
    if not isinstance(data, dict):
        raise FileError(path, f"must hold a mapping, not {type(data).__name__}", line=1)
    return data


def line_of(path: Path, keys: Sequence[str | int]) -> int | None:
    """Return the line of the file on which the deepest of the nested keys that exists stands."""
    import yaml  # noqa: PLC0415 - see parse_mapping

    try:
        node = yaml.compose(_read_text(path), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, FileError, ValueError, RecursionError):
        return None
    line: int | None = None
    for key in keys:
        found = _child(node, key)
        if found is None:
            break
        line, node = found
    return line


def _child(node: Any, key: str | int) -> tuple[int, Any] | None:
    """Return the line on which an entry of a node stands, and the entry's value."""
    if isinstance(key, str) and isinstance(getattr(node, "value", None), list):
        for entry in node.value:
            if isinstance(entry, tuple) and entry[0].value == key:
                return entry[0].start_mark.line + 1, entry[1]
    if isinstance(key, int) and node.id == "sequence" and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    return None


def format_mapping(data: Mapping[str, Any]) -> str:
    """Return the mapping as YAML that a person likes to edit."""
    import yaml  # noqa: PLC0415 - see parse_mapping

    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=100)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from error
    if len(raw) > FILE_BYTES_MAX:
        too_large = TooLarge("It", path.stat().st_size, FILE_BYTES_MAX, "bytes", remedy="Split it.")
        raise FileError(path, str(too_large))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(path, f"is not UTF-8 at byte {error.start}") from error


@cache
def _reader() -> "type[yaml.SafeLoader]":
    """Return PyYAML's SafeLoader, with its parser in C where there is one: a tenth of the time."""
    import yaml  # noqa: PLC0415 - see parse_mapping

    if not yaml.__with_libyaml__:
        return yaml.SafeLoader
    from yaml.composer import Composer  # noqa: PLC0415 - see above
    from yaml.constructor import SafeConstructor  # noqa: PLC0415 - see above
    from yaml.cyaml import CParser  # type: ignore[attr-defined]  # noqa: PLC0415 - see above
    from yaml.resolver import Resolver  # noqa: PLC0415 - see above

    # Composer goes first: nodes are made where their depth can be counted.
    class FastLoader(Composer, CParser, SafeConstructor, Resolver):
        def __init__(self, stream: str) -> None:
            CParser.__init__(self, stream)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    return cast("type[yaml.SafeLoader]", FastLoader)


def _loader(path: Path | str) -> "type[yaml.SafeLoader]":
    import yaml  # noqa: PLC0415 - see parse_mapping

    class BoundedLoader(_reader()):  # type: ignore[misc]
        """A SafeLoader without aliases and duplicate keys, of bounded depth."""

        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                event: Any = self.peek_event()
                line = event.start_mark.line + 1
                raise FileError(path, "aliases (*name) are not allowed", line=line)
            self.depth += 1
            if self.depth > DEPTH_MAX:
                raise FileError(path, f"is nested deeper than {DEPTH_MAX} levels")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
            seen = set()
            for key, _ in node.value:
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise FileError(path, f"the key {key.value!r} stands twice", line=line)
                seen.add(key.value)
            made: dict[Hashable, Any] = super().construct_mapping(node, deep)
            return made

    return BoundedLoader


def _file_error(path: Path | str, error: "yaml.YAMLError") -> FileError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return FileError(path, f"is not valid YAML: {problem}", line=mark.line + 1 if mark else None)
