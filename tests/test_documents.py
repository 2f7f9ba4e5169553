"""README and docs: their code runs, their commands exist, their links lead somewhere.

Blocks of Python are run, each in a process and a home of its own. Blocks of shell are read: a
`make` target must exist, and so must each command and option of `tmws-mcp`; a block after the
comment `<!-- run -->` is run too. JSON and YAML must parse. A first word that nobody has listed
below is an error, so that a new kind of command is thought about.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(
    r"^(?P<mark><!-- run -->\n+)?```(?P<language>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")
OUTSIDE = {"cd", "claude", "curl", "docker", "export", "git", "pip", "uv", "uvx", ".ci/run"}
"""Programs of others, whose options are not ours to check."""
RUN_SECONDS_MAX = 60


@dataclass(frozen=True)
class Block:
    """A fenced block and where it stands."""

    where: str
    language: str
    text: str
    run: bool


def blocks(*languages: str) -> list:
    return [
        pytest.param(block, id=block.where)
        for page in PAGES
        for block in blocks_of(page)
        if block.language in languages
    ]


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in FENCE.finditer(text):
        where = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, found.start('language')) + 1}"
        yield Block(where, found["language"], found["text"], run=bool(found["mark"]))


def command_lines(text: str) -> list[list[str]]:
    """The commands of a block; in a console session the lines behind the prompt."""
    joined = text.replace("\\\n", " ")
    lines = joined.splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    parts = [part for line in lines for part in re.split(r"\s(?:&&|\|)\s", line)]
    return [words for part in parts if (words := shlex.split(part, comments=True))]


def run(command: list[str], home: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        cwd=home,
        env={**os.environ, "HOME": str(home), "TMWS_HOME": str(home / "data")},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS_MAX,
    )


@pytest.mark.parametrize("block", blocks("python"))
def test_python_in_the_documents_runs(block: Block, tmp_path: Path) -> None:
    done = run([sys.executable, "-c", block.text], tmp_path)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [b for b in blocks("sh", "console") if b.values[0].run])
def test_marked_shell_in_the_documents_runs(block: Block, tmp_path: Path) -> None:
    for words in command_lines(block.text):
        assert words[0] == "tmws-mcp", "only our own command is run"
        done = run([sys.executable, "-m", "tmws_mcp", *words[1:]], tmp_path)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("block", blocks("sh", "console"))
def test_commands_in_the_documents_exist(block: Block) -> None:
    for words in command_lines(block.text):
        program = Path(words[0]).name
        if program == "make":
            assert set(words[1:]) - make_targets() - set(assignments(words)) == set(), words
        elif program == "tmws-mcp":
            check_command(words[1:])
        else:
            assert words[0] in OUTSIDE, f"{block.where}: what is {words[0]!r}?"


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    return targets | {f"bench-{p.stem}" for p in (ROOT / "benchmarks").glob("*.py")}


def assignments(words: list[str]) -> Iterator[str]:
    return (word for word in words if re.match(r"[A-Z]+=", word))


def check_command(words: list[str]) -> None:
    """Walk down the command tree, then look for each option."""
    from tmws_mcp.cli.app import app  # noqa: PLC0415 - typer and all commands, for these tests only

    command = typer.main.get_command(app)
    known = options_of(command)
    for word in words:
        # Not isinstance: typer brings a click of its own.
        below = getattr(command, "commands", None)
        if below and not word.startswith("-"):
            assert word in below, f"no command {word!r} in {' '.join(words)!r}"
            command = below[word]
            known |= options_of(command)
    used = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert used - known == set(), words


def options_of(command: object) -> set[str]:
    return {"--help"} | {name for option in command.params for name in option.opts}


@pytest.mark.parametrize("block", blocks("json"))
def test_json_in_the_documents_parses(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("yaml"))
def test_yaml_in_the_documents_parses(block: Block) -> None:
    assert yaml.safe_load(block.text) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_in_the_documents_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(FENCE.sub("", page.read_text("utf-8")))

    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    """A page that no link leads to is a page that nobody reads."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        linked = [(page.parent / t).resolve() for t in LINK.findall(page.read_text("utf-8"))]
        waiting += [p for t in linked for p in (t.glob("*.md") if t.is_dir() else [t])]

    assert set(PAGES) - reached == set()
