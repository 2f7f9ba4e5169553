"""Folders of pattern files, and parts that answer from real values."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.patterns.world import World
from tmws_mcp.patterns.catalog import Catalog, load_catalog, shipped_folder

WritePattern = Callable[..., Path]

VALID = """
    id: {id}
    route: {route}
    summary: Something
    triggers: {{exact: [{exact}]}}
    steps:
      - {{name: found, recall: "{{query}}"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    return made


@pytest.fixture
def write(folder: Path) -> WritePattern:
    """Write a pattern file; without a text a valid one."""

    def write_file(name: str, text: str | None = None, *, exact: str = "") -> Path:
        path = folder / f"{name.replace('.', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        valid = VALID.format(id=name, route=name.partition(".")[0], exact=exact or f"do {name}")
        path.write_text(dedent(valid if text is None else text), "utf-8")
        return path

    return write_file


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    return load_catalog([shipped_folder()])


@pytest.fixture
def world() -> World:
    return World()
