"""The program that a client runs for each event: quick, quiet, and never the agent's trouble."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingest.hook_events import failed, prompt, put, run, start, worked
from tmws_mcp import masking
from tmws_mcp.ingest import hook_entry, spool
from tmws_mcp.places import default_home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "spool"


def test_an_event_is_put_down_for_its_owner_alone(folder: Path) -> None:
    run(folder, worked("Bash"), "team")

    [path] = spool.waiting(folder)
    [event] = spool.read([path])
    assert (event.session, event.namespace, event.text("tool_name")) == ("abc123", "team", "Bash")
    assert event.project.endswith("parser")
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_sixteen_at_once_are_all_put_down(folder: Path) -> None:
    running = [start(folder, worked(f"tool-{number}")) for number in range(16)]
    assert [process.wait(60) for process in running] == [0] * 16
    for process in running:
        process.__exit__(None, None, None)

    events = list(spool.read(spool.waiting(folder)))
    assert {event.text("tool_name") for event in events} == {f"tool-{n}" for n in range(16)}
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"x" * 100_000])
def test_what_is_no_event_fails_nothing_and_stays_behind(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)

    run(folder, content)

    assert list(spool.read(spool.waiting(folder))) == []
    assert spool.waiting(folder) == []
    assert spool.problem(folder) or list(folder.glob("*.bad"))


def test_nothing_on_standard_input_is_noted(folder: Path) -> None:
    folder.mkdir(parents=True)

    run(folder, b"")

    assert "is empty" in spool.problem(folder)


def test_a_folder_that_cannot_be_made_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    run(tmp_path / "file" / "spool", worked("Bash"))


def test_nothing_of_the_package_is_imported(folder: Path) -> None:
    watch = "import sys, runpy; sys.argv = sys.argv[1:]\n"
    watch += "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
    watch += "except SystemExit: pass\n"
    watch += "print([m for m in sys.modules if m.startswith(('tmws', 'pydantic', 'anyio'))])"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", watch, hook_entry.__file__, str(folder)],
        input=json.dumps(worked("Bash")).encode(), capture_output=True, timeout=60, check=True,
    )  # fmt: skip

    assert done.stdout.strip() == b"[]"


def test_long_and_deep_values_are_cut(folder: Path) -> None:
    deep: object = "end"
    for _ in range(50):
        deep = {"in": deep}
    folder.mkdir(parents=True)
    event = worked("Write") | {"tool_input": {"content": "x" * 100_000, "deep": deep}}

    put(folder, event)

    [path] = spool.waiting(folder)
    assert path.stat().st_size < 3 * hook_entry.TEXT_CHARS_MAX
    assert len(list(spool.read([path]))) == 1


def test_an_event_beyond_the_bound_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_entry, "INPUT_BYTES_MAX", 100)

    with pytest.raises(ValueError, match="more than 100 bytes"):
        put(folder, worked("Bash"))


def test_events_that_nobody_takes_in_are_bounded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_entry, "WAITING_MAX", 2)
    monkeypatch.setattr(hook_entry.time, "time_ns", iter(range(0, 16_000, 16)).__next__)

    for _ in range(3):
        put(folder, worked("Bash"))

    with pytest.raises(OSError, match="more than 2 events are waiting"):
        put(folder, worked("Bash"))
    assert len(spool.waiting(folder)) == 3


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("named", [{}, {"XDG_DATA_HOME": "/x"}, {"TMWS_HOME": "/data"}])
def test_the_default_folder_is_in_the_home_of_the_settings(
    platform: str, named: dict[str, str]
) -> None:
    environ = {"HOME": "/home/ana"} | named
    home = Path(named.get("TMWS_HOME") or default_home(environ, platform))

    assert Path(hook_entry.default_folder(environ, platform)) == home / spool.FOLDER


def test_secrets_do_not_reach_the_disk(folder: Path) -> None:
    secrets = ["hunter2", "sk-ant-api03-" + "Q7x" * 12, "p4ssw0rd!"]
    command = f"curl -H 'Authorization: Bearer {secrets[1]}' https://bob:{secrets[2]}@example.org"
    given = {"command": command, "password": secrets[0], "seen": {secrets[1]: "a name", "b": 1}}
    told = worked("Bash") | {"tool_input": given}

    run(folder, told)

    [path] = spool.waiting(folder)
    [event] = spool.read([path])
    assert not [secret for secret in secrets if secret in path.read_text()]
    assert event.session == "abc123"
    assert "example.org" in str(event.fields["tool_input"])


def test_what_may_hold_a_secret_is_known_without_loading_the_masks() -> None:
    needles = {needle for rule in masking._RULES for needle in rule.needles}

    assert needles <= set(hook_entry.SUSPICIOUS)


def test_an_event_without_a_sign_of_secrets_is_kept_as_it_is() -> None:
    plain = json.dumps(worked("Read", where="src/main.py")).encode()

    assert hook_entry.masked_where_suspicious(plain) is plain


def test_events_become_interactions_with_what_the_user_asked_for(folder: Path) -> None:
    said = [prompt("mend the parser"), failed("Bash", "exit 2"), worked("Edit"), prompt("again")]
    folder.mkdir(parents=True)
    for one in [*said, worked("Bash")]:
        put(folder, one)

    events = list(spool.read(spool.waiting(folder)))
    prompts = spool.Prompts(folder)
    found = [one for _, one in spool.interactions(events, prompts)]
    prompts.save()

    assert [(one.tool_used, one.success) for one in found] == [
        ("Bash", False), ("Edit", True), ("Bash", True),
    ]  # fmt: skip
    assert [one.turn for one in found] == ["mend the parser", "mend the parser", "again"]
    assert {one.task for one in found} == {"mend the parser"}
    steps = [one.step for one in found]
    assert steps == sorted(set(steps))
    assert spool.Prompts(folder).of("abc123") == ("mend the parser", "again")
    assert spool.Prompts(folder).of("abc123/agent-1") == ("mend the parser", "again")


def test_an_interrupted_call_says_nothing(folder: Path) -> None:
    stopped = failed("Bash", "interrupted") | {"is_interrupt": True}
    folder.mkdir(parents=True)
    put(folder, stopped)

    events = list(spool.read(spool.waiting(folder)))

    assert list(spool.interactions(events, spool.Prompts(folder))) == []


def test_a_file_that_is_no_event_is_set_aside(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "1-1.json").write_text("{")

    assert list(spool.read(spool.waiting(folder))) == []
    assert spool.waiting(folder) == []
    assert list(folder.glob("*.bad"))
