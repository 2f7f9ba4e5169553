"""What a project depends on, as the manifests in its folder declare it.

Declared and not installed: a manifest is there on every machine, needs no tool of its language, and
is what a decision about dependencies is about. Only files of the workspace's own folder are read.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace, folder_of, only
from tmws_mcp.errors import ActionError
from tmws_mcp.model import JsonObject

MANIFEST_BYTES_MAX = 1_000_000
DEPENDENCIES_MAX = 300
NAME_CHARS_MAX = 100
LINE_CHARS_MAX = 120

PACKAGE_JSON_KINDS = (
    *("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"),
    "engines",
)

Groups = dict[str, list[str]]

_REQUIRE = re.compile(r"^\s*(?:require\s+)?(?P<name>[\w./~-]+\.[\w./~-]+)\s+(?P<version>v\S+)")
_GEM = re.compile(r"^\s*gem\s+(?P<rest>['\"].+)$")


def dependencies(folder: Path, name: str = "") -> JsonObject:
    """Return the dependencies by manifest and group; with a name those alone that hold it.

    Raises:
        ActionError: There is no manifest that is known.
    """
    root = folder.resolve()
    manifests: JsonObject = {}
    problems: list[JsonValue] = []
    for path, read in _manifests(root):
        try:
            groups = read(_text(path, root))
        except (ValueError, OSError, AttributeError, TypeError) as error:
            problems.append(f"{path.name}: {str(error)[:LINE_CHARS_MAX] or type(error).__name__}")
            continue
        if shown := _shown(groups, name):
            manifests[path.name] = shown
    if not manifests and not problems and not any(True for _ in _manifests(root)):
        raise ActionError(f"{root} holds none of {', '.join(READERS)}.")
    found: JsonObject = {"asked_for": name} if name else {}
    found |= {"manifests": manifests or "none declares it"}
    return found | ({"problems": problems} if problems else {})


def _manifests(root: Path) -> Iterator[tuple[Path, Callable[[str], Groups]]]:
    for pattern, read in READERS.items():
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                yield path, read


def _text(path: Path, root: Path) -> str:
    if not path.resolve().is_relative_to(root):
        raise ValueError("is a link that leads out of the workspace")
    with path.open("rb") as file:
        content = file.read(MANIFEST_BYTES_MAX + 1)
    if len(content) > MANIFEST_BYTES_MAX:
        raise ValueError(f"has more than {MANIFEST_BYTES_MAX:,} bytes")
    return content.decode("utf-8-sig", "replace")


def _shown(groups: Groups, name: str) -> JsonObject:
    wanted = name.casefold()
    held = {
        group: [line[:LINE_CHARS_MAX] for line in lines if wanted in line.casefold()]
        for group, lines in groups.items()
    }
    return {group: [*lines[:DEPENDENCIES_MAX]] for group, lines in held.items() if lines}


def _pyproject(text: str) -> Groups:
    data = tomllib.loads(text)
    project = data.get("project", {})
    groups = {"dependencies": _texts(project.get("dependencies"))}
    groups |= {f"extra {k}": _texts(v) for k, v in project.get("optional-dependencies", {}).items()}
    groups |= {f"group {k}": _texts(v) for k, v in data.get("dependency-groups", {}).items()}
    poetry = data.get("tool", {}).get("poetry", {})
    groups |= {"poetry": _pairs(poetry.get("dependencies", {}))} if poetry else {}
    python = project.get("requires-python")
    return groups | ({"python": [str(python)]} if python else {})


def _requirements(text: str) -> Groups:
    lines = (line.partition(" #")[0].rstrip(" \\").strip() for line in text.splitlines())
    return {"requirements": [line for line in lines if line and line[0] not in "#-"]}


def _package_json(text: str) -> Groups:
    data = json.loads(text)
    kinds = (
        "dependencies",
        "devDependencies",
        "peerDependencies",
        "optionalDependencies",
        "engines",
    )
    return {kind: _pairs(data.get(kind, {})) for kind in kinds}


def _cargo(text: str) -> Groups:
    data = tomllib.loads(text)
    kinds = ("dependencies", "dev-dependencies", "build-dependencies")
    return {kind: _pairs(data.get(kind, {})) for kind in kinds}


def _go_mod(text: str) -> Groups:
    found = (_REQUIRE.match(line) for line in text.splitlines())
    return {"require": [f"{each['name']} {each['version']}" for each in found if each]}


def _gemfile(text: str) -> Groups:
    found = (_GEM.match(line) for line in text.splitlines())
    return {"gems": [each["rest"].replace("'", "").replace('"', "") for each in found if each]}


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _pairs(values: Mapping[str, Any]) -> list[str]:
    """Return `name version`; of a table the version alone, or where it comes from."""
    return [f"{name} {_version(value)}".strip() for name, value in values.items()]


def _version(value: object) -> str:
    if isinstance(value, dict):
        told = value.get("version") or value.get("git") or value.get("path") or ""
        return str(told)
    return str(value)


READERS: Final[dict[str, Callable[[str], Groups]]] = {
    "pyproject.toml": _pyproject,
    "requirements*.txt": _requirements,
    "package.json": _package_json,
    "Cargo.toml": _cargo,
    "go.mod": _go_mod,
    "Gemfile": _gemfile,
}
"""Manifests by the pattern of their names, and what reads each."""


async def _run(arguments: JsonObject, where: Workspace) -> JsonValue:
    only(arguments, "name")
    name = arguments.get("name", "")
    if not isinstance(name, str) or len(name) > NAME_CHARS_MAX:
        raise ActionError(f"`name` must be a text of at most {NAME_CHARS_MAX} characters.")
    return await anyio.to_thread.run_sync(dependencies, folder_of(where), name.strip())


ACTION = Action("workspace.dependencies", "What the manifests of the workspace declare", _run)
