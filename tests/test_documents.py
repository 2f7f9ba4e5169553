"""README and docs: their code runs, their commands exist, their links lead somewhere.

Blocks of Python are run, each in a process and a home of its own. Blocks of shell are read: a
`make` target must exist, and so must each command and option of `tmws-mcp`. A first word that
nobody has listed below is an error, so that a new kind of command is thought about. JSON and YAML
must parse.

A page may also be followed: its blocks after `<!-- run -->` are run from top to bottom in one
folder and one home, and a block after `<!-- file: PATH -->` is written there first, as a reader
would do. What a command says behind `# shows` has to be in its output.
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
import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(
    r"^(?:<!-- (?P<mark>run|file: \S+) -->\n+)?```(?P<language>\w+)\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")
OUTSIDE = {
    "cd",
    "claude",
    "curl",
    "docker",
    "systemctl",
    "systemd-run",
    "export",
    "git",
    "pip",
    "uv",
    "uvx",
    ".ci/run",
}
"""Programs of others, whose options are not ours to check."""
SHOWS = re.compile(r"\s+# shows (.+)$")
RUN_SECONDS_MAX = 60


@dataclass(frozen=True)
class Block:
    """A fenced block and where it stands."""

    where: str
    language: str
    text: str
    mark: str
    """`run`, or `file: PATH`; empty: the block is only read."""


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
        yield Block(where, found["language"], found["text"], found["mark"] or "")


def command_lines(text: str) -> list[list[str]]:
    """The commands of a block; in a console session the lines behind the prompt."""
    joined = text.replace("\\\n", " ")
    lines = joined.splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    parts = [part for line in lines for part in re.split(r"\s(?:&&|\|)\s", line)]
    return [words for part in parts if (words := shlex.split(part, comments=True))]


def run(command: list[str], home: Path, **settings: str) -> subprocess.CompletedProcess:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TMWS_", "CLAUDE"))}
    return subprocess.run(
        command,
        cwd=home,
        env={
            **inherited,
            "HOME": str(home),
            "TMWS_HOME": str(home / "data"),
            # As a reader's does: a page starts our command often, and compiling takes half of it.
            "PYTHONDONTWRITEBYTECODE": "",
            **settings,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS_MAX,
    )


@pytest.mark.parametrize("block", blocks("python"))
def test_python_in_the_documents_runs(block: Block, tmp_path: Path) -> None:
    done = run([sys.executable, "-c", block.text], tmp_path)

    assert done.returncode == 0, done.stderr


def followed_pages() -> list:
    pages = [page for page in PAGES if any(block.mark for block in blocks_of(page))]
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


@pytest.mark.parametrize("page", followed_pages())
def test_a_page_can_be_followed_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    settings: dict[str, str] = {}
    for block in blocks_of(page):
        if block.mark.startswith("file: "):
            file = tmp_path / block.mark.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, "utf-8")
        elif block.mark == "run":
            follow(block, tmp_path, settings)


def follow(block: Block, folder: Path, settings: dict[str, str]) -> None:
    for line in block.text.splitlines():
        claim = SHOWS.search(line)
        for words in command_lines(line):
            if words[0] == "export":
                settings.update(
                    word.replace("$PWD", str(folder)).split("=", 1) for word in words[1:]
                )
                continue
            assert words[0] == "tmws-mcp", "only our own command is run"
            done = run([sys.executable, "-m", "tmws_mcp", *words[1:]], folder, **settings)
            said = f"{block.where}: {words}: {done.stdout}{done.stderr}"
            assert done.returncode == 0, said
            assert claim is None or claim[1] in done.stdout, said


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
    measuring = (
        p for p in (ROOT / "benchmarks").glob("*.py") if "def main(" in p.read_text("utf-8")
    )
    packages = {path.parent.name for path in (ROOT / "benchmarks").glob("*/__main__.py")}
    return targets | {f"bench-{name}" for name in packages | {path.stem for path in measuring}}


def assignments(words: list[str]) -> Iterator[str]:
    return (word for word in words if re.match(r"[A-Z]+=", word))


def check_command(words: list[str]) -> None:
    """Walk down the command tree, then look for each option."""
    from tmws_mcp.cli.app import whole  # noqa: PLC0415 - all commands, for these tests only

    command = whole()
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
