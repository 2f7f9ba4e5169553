"""What a client runs for each event of its hooks: a server is told, or the event is put down.

Run as `python -I -S hook_entry.py [FOLDER [NAMESPACE]]`. A server that runs listens on a socket in
the folder: it keeps the event, and may answer with a hint for the agent, which is printed. Without
one the event waits in the folder. Nothing is imported that is not needed, since starting Python is
most of what a call pays. The agent's own call must never fail because of it: whatever goes wrong is
noted in the folder, and the exit code is 0.

The plugin of Claude Code runs it by whichever `python3` there is, 3.9 or newer.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping  # at run time it would cost a start

INPUT_BYTES_MAX = 8 * 1024 * 1024
AS_IT_IS_BYTES_MAX = 64 * 1024
"""A longer event is cut; reading JSON doubles what Python's start costs."""
TEXT_CHARS_MAX, ITEMS_MAX, DEPTH_MAX = 4_000, 40, 4
"""Of each value of a long event; an edit's whole file tells nothing that is learned from."""
WAITING_MAX = 20_000
"""Events that nobody has taken in; further ones are dropped, and that is noted."""
PROBLEM = "problem.txt"

SOCKET = "socket"
KEPT = b"+"
"""First byte of a server's answer: the event is its business now."""
KEPT_SECONDS_MAX = 0.25
"""A server that does not say so in that time is as good as none."""
HINT_SECONDS_MAX, START_SECONDS_MAX = 0.5, 2.0
"""For the rest of the answer; the server itself gives up earlier (server/resident.py), unless it is
too busy to notice. A session's start may wait for an engine to open."""
STARTS = b'"SessionStart"'
ANSWER_BYTES_MAX = 64 * 1024

SUSPICIOUS = (
    *("-----begin", "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox"),
    *("xapp-", "akia", "asia", "aiza", "ya29.", "gocspx-", "k_live_", "k_test_", "whsec_", "npm_"),
    *("pypi-", "hf_", "gsk_", "hvs.", "hvb.", "dop_v1_", "sg.", "eyj", "://", "authorization"),
    *("cookie", "bearer", "-u ", "-u=", "--user", "--", "passw", "passphrase", "pwd"),
    *("パスワード", "密码", "密碼", "비밀번호", "credential", "signature", "sig", "secret"),
    *("token", "key", "\\u"),
)
"""Without one of these no secret is known (masking.py), and nothing need be read and masked."""
NEVER_SECRET = ("session_id", "agent_id", "tool_use_id", "cwd", "hook_event_name", "tool_name")


def main(arguments: list[str]) -> int:
    """Tell a server of the event on standard input, or put it down; always return 0."""
    folder, namespace = (*arguments, "", "")[:2]
    folder = folder or default_folder(os.environ, sys.platform)
    try:
        content = sys.stdin.buffer.read(INPUT_BYTES_MAX + 1)
        about = header(namespace, os.environ.get("CLAUDE_PROJECT_DIR", ""))
        answer = told(folder, about + content)
        if answer is None:
            put_down(about, masked_where_suspicious(content), folder)
        elif answer:
            sys.stdout.buffer.write(answer)
    except Exception as error:  # noqa: BLE001 - the agent's call must go on
        note(folder, f"{type(error).__name__}: {error}")
    return 0


def default_folder(environ: Mapping[str, str], platform: str) -> str:
    """Return the spool of the data folder, as places.default_home has it."""
    if home := environ.get("TMWS_HOME"):
        return os.path.join(os.path.expanduser(home), "spool")  # noqa: PTH111, PTH118
    user = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")  # noqa: PTH111
    parts: tuple[str, ...] = (environ.get("XDG_DATA_HOME") or f"{user}/.local/share",)
    if platform == "darwin":
        parts = (user, "Library", "Application Support")
    if platform == "win32":
        parts = (environ.get("LOCALAPPDATA") or os.path.join(user, "AppData", "Local"),)  # noqa: PTH118
    return os.path.join(*parts, "tmws-mcp", "spool")  # noqa: PTH118


def header(namespace: str, project: str) -> bytes:
    """Return the two lines that go before an event."""
    return os.fsencode("".join(f"{' '.join(word.splitlines())}\n" for word in (namespace, project)))


def told(folder: str, content: bytes) -> bytes | None:
    """Tell a server that listens and return its answer; None where none keeps the event."""
    try:
        import _socket  # noqa: PLC0415 - not `socket`: its enums take 15 ms

        line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    except (ImportError, AttributeError, OSError):  # Windows
        return None
    answer = b""
    try:
        line.settimeout(KEPT_SECONDS_MAX)
        line.connect(os.path.join(folder, SOCKET))  # noqa: PTH118 - pathlib takes 6 ms to import
        line.sendall(content)
        line.shutdown(_socket.SHUT_WR)
        answer = line.recv(len(KEPT))
        line.settimeout(START_SECONDS_MAX if STARTS in content[:4_000] else HINT_SECONDS_MAX)
        while len(answer) <= ANSWER_BYTES_MAX and (more := line.recv(ANSWER_BYTES_MAX)):
            answer += more
    except OSError:  # none runs, or it is busy: what it kept nevertheless is known by its call
        answer = answer[: len(KEPT)]  # half a hint is none
    finally:
        line.close()
    return answer[len(KEPT) :] if answer.startswith(KEPT) else None


def put_down(about: bytes, content: bytes, folder: str) -> str:
    """Write one event into a file of its own, whole or not at all, and return its path.

    Raises:
        ValueError: It is empty or too large.
        OSError: It cannot be written, or too many are waiting.
    """
    if not content.strip() or len(content) > INPUT_BYTES_MAX:
        raise ValueError(f"the event is empty, or has more than {INPUT_BYTES_MAX:,} bytes")
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    at = time.time_ns()
    if at % 16 == 0 and len(os.listdir(folder)) > WAITING_MAX:  # noqa: PTH208
        raise OSError(f"more than {WAITING_MAX:,} events are waiting; is no server running?")
    name = os.path.join(folder, f"{at:020d}-{os.getpid()}")  # noqa: PTH118
    opened = os.open(f"{name}.part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(opened, "wb") as file:  # noqa: PTH123
        file.write(about + content)
    os.replace(f"{name}.part", f"{name}.json")  # noqa: PTH105
    return f"{name}.json"


def masked_where_suspicious(content: bytes) -> bytes:
    """Return an event without its secrets, cut where it is long.

    Raises:
        ValueError: It is too large, or had to be read and is no JSON.
    """
    lowered = content[:AS_IT_IS_BYTES_MAX].decode("utf-8", "replace").lower()
    long = len(content) > AS_IT_IS_BYTES_MAX
    if len(content) > INPUT_BYTES_MAX or not (long or any(mark in lowered for mark in SUSPICIOUS)):
        return content
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    import masking  # type: ignore[import-not-found]  # noqa: PLC0415 - the package itself is heavy

    return masked(content, masking.mask_secrets)


def masked(content: bytes, mask: Callable[[str], str]) -> bytes:
    """Return an event with each text masked; what is long or deep is cut.

    Raises:
        ValueError: It is no JSON.
    """
    import json  # noqa: PLC0415 - most events need none

    return json.dumps(_short(json.loads(content), mask)).encode()


def _short(value: object, mask: Callable[[str], str], name: str = "", depth: int = 0) -> object:
    if isinstance(value, str):
        return value if depth == 1 and name in NEVER_SECRET else _masked_text(name, value, mask)
    if isinstance(value, (dict, list)) and depth >= DEPTH_MAX:
        return "…"
    if isinstance(value, dict):
        return {
            _short_text(key, mask): _short(item, mask, key, depth + 1)
            for key, item in list(value.items())[:ITEMS_MAX]
        }
    if isinstance(value, list):
        return [_short(item, mask, name, depth + 1) for item in value[:ITEMS_MAX]]
    return value


def _masked_text(name: str, text: str, mask: Callable[[str], str]) -> str:
    """Mask a text as the value of its name, since a name may say that it is a secret."""
    before = f"{name}="
    return _short_text(before + text, mask, len(before)).removeprefix(before)


def _short_text(text: str, mask: Callable[[str], str], before: int = 0) -> str:
    """Return a text, or a name of an object, which somebody may use for a secret too."""
    # Twice the length, so that no half of a secret is left where it is cut.
    return mask(text[: before + 2 * TEXT_CHARS_MAX])[: before + TEXT_CHARS_MAX]


def note(folder: str, problem: str) -> None:
    """Leave word of a problem for `tmws-mcp hook status`."""
    try:
        with open(os.path.join(folder, PROBLEM), "w", encoding="utf-8") as file:  # noqa: PTH118, PTH123
            file.write(problem[:TEXT_CHARS_MAX])
    except OSError:  # the folder itself cannot be written: nowhere is left to say so
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
