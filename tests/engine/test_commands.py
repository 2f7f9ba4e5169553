"""Command steps, and whatever tries to make more of them than they are."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from tests.bounds import bounded_work
from tmws_mcp.engine import open_engine
from tmws_mcp.errors import InvalidInput, NothingRan, PatternFileError
from tmws_mcp.model import ExecuteReply, JsonObject
from tmws_mcp.patterns.definition import parse_pattern
from tmws_mcp.settings import Settings
from tmws_mcp.yamlfile import format_mapping

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX programs"),
]

PYTHON = sys.executable
# What a program gets: one argument in each line, then its folder.
TELL = "import os, sys; print(*map(ascii, sys.argv[1:]), ascii(os.getcwd()), sep='\\n')"


def definition(
    command: Sequence[str], arguments: JsonObject | None = None, **step: object
) -> JsonObject:
    return {
        "id": "infrastructure.tool",
        "route": "infrastructure",
        "summary": "Run a tool",
        "arguments": arguments or {},
        "triggers": {"exact": ["run the tool"]},
        "examples": {"match": ["run the tool"]},
        "steps": [{"name": "tool", "command": list(command), "output": "lines"} | step],
    }


def settings_with(
    settings: Settings, tmp_path: Path, given: JsonObject, **more: object
) -> Settings:
    folder = tmp_path / "mine" / "infrastructure"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tool.yaml").write_text(format_mapping(given))
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    allowed = {"commands": (PYTHON,), "workspace": work, "pattern_dirs": (tmp_path / "mine",)}
    return settings.model_copy(update=allowed | more)


async def run(settings: Settings, **context: object) -> ExecuteReply:
    with anyio.fail_after(30):
        async with open_engine(settings) as engine:
            return await engine.pattern_execute({"query": "run the tool", "context": context})


async def lines(settings: Settings, **context: object) -> list[str]:
    return (await run(settings, **context)).result["tool"]["output"]


async def test_nothing_runs_unless_the_settings_allow_it(
    settings: Settings, tmp_path: Path
) -> None:
    given = definition([PYTHON, "-c", TELL])
    with pytest.raises(NothingRan, match="TMWS_COMMANDS"):
        await run(settings_with(settings, tmp_path, given, commands=()))
    with pytest.raises(NothingRan, match="may not be run"):
        await run(settings_with(settings, tmp_path, given, commands=("git", "python")))

    assert await lines(settings_with(settings, tmp_path, given, commands=("*",)))


@pytest.mark.parametrize(
    "value", ["a b", "$(id)", "`id`", "a;id", "a|id", "a&&id", "'\"", "*", "~", "a\nb", "%PATH%"]
)
async def test_a_value_is_one_argument_whatever_it_holds(
    settings: Settings, tmp_path: Path, value: str
) -> None:
    given = definition([PYTHON, "-c", TELL, "{word}", "end"], {"word": {"pattern": "(?s).*"}})

    got = await lines(settings_with(settings, tmp_path, given), word=value)

    assert got == [ascii(value), "'end'", ascii(str(tmp_path / "work"))]


async def test_a_value_cannot_become_an_option(settings: Settings, tmp_path: Path) -> None:
    given = definition([PYTHON, "-c", TELL, "{word}"], {"word": {"pattern": ".*"}})
    for value in ("-x", "--output=/etc/passwd", "-"):
        with pytest.raises(NothingRan, match="for an option"):
            await run(settings_with(settings, tmp_path, given), word=value)

    number = definition([PYTHON, "-c", TELL, "{n}"], {"n": {"type": "integer"}})
    with pytest.raises(NothingRan, match="for an option"):
        await run(settings_with(settings, tmp_path, number), n=-5)


async def test_the_definition_may_allow_options_by_choices_or_two_dashes(
    settings: Settings, tmp_path: Path
) -> None:
    chosen = definition([PYTHON, "-c", TELL, "{how}"], {"how": {"choices": ["-q", "-v"]}})
    behind = definition([PYTHON, "-c", TELL, "--", "{word}"], {"word": {"pattern": ".*"}})

    assert (await lines(settings_with(settings, tmp_path, chosen), how="-v"))[0] == "'-v'"
    with pytest.raises(NothingRan, match="must be one of -q, -v"):
        await run(settings_with(settings, tmp_path, chosen), how="-x")
    assert (await lines(settings_with(settings, tmp_path, behind), word="-x"))[1] == "'-x'"


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        ({"pattern": "[a-z]+"}, "abc; id", r"must match \[a-z\]\+"),
        ({"pattern": "[a-z]+"}, "abc\n", r"must match"),
        ({"type": "integer"}, "1e9", "of type integer"),
        ({"pattern": "(?s).*"}, "x" * 1001, "more than 1,000 characters"),
    ],
)
async def test_a_value_must_be_what_was_declared(
    settings: Settings, tmp_path: Path, argument: JsonObject, value: str, said: str
) -> None:
    given = definition([PYTHON, "-c", TELL, "{word}"], {"word": argument})

    with pytest.raises(NothingRan, match=said):
        await run(settings_with(settings, tmp_path, given), word=value)


@pytest.mark.parametrize("value", ["2026-05-08", "2026-05-08T10:00:00Z"])
async def test_a_date_is_a_date(settings: Settings, tmp_path: Path, value: str) -> None:
    given = definition([PYTHON, "-c", TELL, "{when}"], {"when": {"type": "date"}})
    chosen = settings_with(settings, tmp_path, given)

    assert (await lines(chosen, when=value))[0] == ascii(value)
    for wrong in ("@/etc/passwd url=http://x.example", "2026-02-30", f"{value} --all", "", "now"):
        with pytest.raises(NothingRan, match="must be a date such as 2026-05-08"):
            await run(chosen, when=wrong)


async def test_paths_stay_within_the_allowed_folders_links_followed(
    settings: Settings, tmp_path: Path
) -> None:
    given = definition([PYTHON, "-c", TELL, "{file}"], {"file": {"type": "path"}})
    chosen = settings_with(settings, tmp_path, given)
    work = tmp_path / "work"
    (work / "-rf").write_text("")
    (work / "out").symlink_to(tmp_path)
    (work / "within").symlink_to(work / "-rf")
    (work / "loop").symlink_to(work / "loop")

    for value in ("../secret", "/etc/passwd", "out/secret", "out", "loop/x"):
        with pytest.raises(NothingRan, match=r"outside of the folders|cannot be followed"):
            await run(chosen, file=value)

    assert (await lines(chosen, file="-rf"))[0] == ascii(str(work / "-rf"))
    assert (await lines(chosen, file="within"))[0] == ascii(str(work / "-rf"))


async def test_the_folder_it_runs_in_is_an_allowed_one(settings: Settings, tmp_path: Path) -> None:
    given = definition(
        [PYTHON, "-c", TELL], {"where": {"type": "path"}}, folder="{where}"
    )  # fmt: skip
    chosen = settings_with(settings, tmp_path, given)
    (tmp_path / "work" / "app").mkdir()
    (tmp_path / "work" / "out").symlink_to("/")

    assert await lines(chosen, where="app") == [ascii(str(tmp_path / "work" / "app"))]
    for where in ("..", "/", "out"):
        with pytest.raises(NothingRan, match="outside of the folders"):
            await run(chosen, where=where)
    with pytest.raises(NothingRan, match="no folder"):
        await run(chosen, where="missing")


async def test_a_program_in_the_working_folder_is_not_found(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings_with(settings, tmp_path, definition(["planted"]), commands=("*",))
    planted = tmp_path / "work" / "planted"
    planted.write_text("#!/bin/sh\necho planted\n")
    planted.chmod(0o755)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(NothingRan, match="not installed"):
        await run(chosen)


async def test_no_secret_of_the_servers_is_in_its_environment(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TMWS_EMBEDDER_KEY", "GITHUB_TOKEN", "LD_PRELOAD_X", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "secret")
    given = definition([PYTHON, "-c", "import os; print(*os.environ, sep='\\n')"])

    names = await lines(settings_with(settings, tmp_path, given))

    assert "PATH" in names
    assert not {"TMWS_EMBEDDER_KEY", "GITHUB_TOKEN", "LD_PRELOAD_X", "PYTHONSTARTUP"} & set(names)


async def test_a_flood_is_cut_and_a_long_run_is_killed(settings: Settings, tmp_path: Path) -> None:
    flood = definition([PYTHON, "-c", "while True: print('x' * 999)"])
    cut = await run(settings_with(settings, tmp_path, flood))
    assert cut.result["tool"]["cut"] == "it wrote more than is read, and was stopped"

    slow = definition([PYTHON, "-c", "import time; time.sleep(60)"])
    with pytest.raises(NothingRan, match=r"took longer than 0\.3 s"):
        await run(settings_with(settings, tmp_path, slow, command_seconds_max=0.3))
    limited = definition([PYTHON, "-c", "import time; time.sleep(60)"], milliseconds=100)
    with pytest.raises(NothingRan, match="longer than the step's 100 ms"):
        await run(settings_with(settings, tmp_path, limited))


async def test_a_code_other_than_zero_is_a_failure_that_shows_what_was_written(
    settings: Settings, tmp_path: Path
) -> None:
    code = (
        "import sys; print('\\x1b[31m1 failed\\x1b[0m'); print('why', file=sys.stderr); sys.exit(2)"
    )
    given = definition([PYTHON, "-c", code])
    given["steps"].append({"name": "after", "action": "clock.now", "needs": ["tool"]})

    reply = await run(settings_with(settings, tmp_path, given))

    assert reply.result["tool"] == {"output": ["1 failed"], "exit_code": 2, "errors": "why"}
    assert [(step.ok, step.ran) for step in reply.steps] == [(False, None), (False, False)]


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        (["{p}"], {"p": {"choices": ["a"]}}, "must be written out"),
        (["git", "--file={p}"], {"p": {"choices": ["a"]}}, "whole argument of its own"),
        (["git", "{query}"], {}, "must be declared"),
        (["git", "{p}"], {"p": {}}, "declare what it may hold"),
        (["git", "{p}"], {"p": {"type": "url"}}, "declare what it may hold"),
        (["/bin/bash", "x", "{p}"], {"p": {"choices": ["a"]}}, "a shell would read"),
        (["python3", "-c", "{p}"], {"p": {"choices": ["a"]}}, "it would be code"),
        (["git", "{p}"], {"p": {"pattern": "(a"}}, "RE2 refuses"),
        (["git", "{p}"], {"p": {"pattern": "(a)\\1"}}, "RE2 refuses"),
        (["git", "{p}"], {"p": {"choices": ["a"], "default": "b"}}, "must be one of a"),
        ([], {}, "at least 1 item"),
        (["x"] * 51, {}, "at most 50 items"),
    ],
)
def test_what_could_break_out_is_refused_with_its_place(
    command: list[str], arguments: JsonObject, said: str
) -> None:
    with pytest.raises(PatternFileError, match=said):
        parse_pattern(definition(command, arguments), path="x.yaml")


async def test_a_model_cannot_register_what_acts(settings: Settings, tmp_path: Path) -> None:
    steps = (
        {"command": ["git", "status"]},
        {"call": "files.read_file"},
        {"action": "http.get", "with": {"url": "http://x.example"}},
    )
    allowed = settings.model_copy(update={"register_pattern": True, "commands": ("*",)})
    async with open_engine(allowed) as engine:
        for step in steps:
            asked = definition(["x"]) | {"steps": [{"name": "a"} | step]}
            with pytest.raises(InvalidInput, match="A registered pattern cannot"):
                await engine.register_pattern({"definition": asked})

    assert not (tmp_path / "home" / "patterns").exists()


@pytest.mark.parametrize(
    "step",
    [
        {"command": [PYTHON, "-c", TELL]},
        {"call": "files.read_file"},
        {"action": "http.get", "with": {"url": "http://x.example"}},
    ],
)
async def test_a_file_slipped_into_the_registered_ones_gets_no_more_done(
    settings: Settings, tmp_path: Path, step: JsonObject
) -> None:
    given = definition(["x"]) | {"steps": [{"name": "tool"} | step]}
    chosen = settings_with(settings, tmp_path, given, pattern_dirs=())
    slipped = tmp_path / "home" / "patterns" / "infrastructure" / "tool.yaml"
    slipped.parent.mkdir(parents=True)
    slipped.write_text(format_mapping(given))

    async with open_engine(chosen) as engine:
        problems = (await engine.status()).problems
        known = [pattern.id for pattern in await engine.patterns()]

    assert "infrastructure.tool" not in known
    assert any("tool.yaml: A registered pattern cannot" in problem for problem in problems)


async def test_a_pattern_that_would_take_for_ever_elsewhere_is_linear_here(
    settings: Settings, tmp_path: Path
) -> None:
    given = definition([PYTHON, "-c", TELL, "{word}"], {"word": {"pattern": "(a|a)*|(a+)+b"}})
    chosen = settings_with(settings, tmp_path, given)

    with pytest.raises(NothingRan, match="must match"), bounded_work():
        await run(chosen, word="a" * 3_000 + "!")


async def test_what_is_filled_in_is_not_filled_again(settings: Settings, tmp_path: Path) -> None:
    given = definition(
        [PYTHON, "-c", TELL, "{word}"], {"word": {"pattern": ".*"}, "other": {"default": "secret"}}
    )

    got = await lines(settings_with(settings, tmp_path, given), word="{other}{query.__class__}")

    assert got[0] == "'{other}{query.__class__}'"
