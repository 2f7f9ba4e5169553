"""What a client runs for each event of its hooks: the event is put down, and that is all.

Run as `python -I -S hook_entry.py FOLDER [NAMESPACE]`. Nothing of the package is imported, since
starting Python is most of what a call pays. The agent's own call must never fail because of it:
whatever goes wrong is noted in the folder, and the exit code is 0.
"""

import os
import sys
import time

INPUT_BYTES_MAX = 8 * 1024 * 1024
AS_IT_IS_BYTES_MAX = 64 * 1024
"""A longer event is cut; reading JSON doubles what Python's start costs."""
TEXT_CHARS_MAX, ITEMS_MAX, DEPTH_MAX = 4_000, 40, 4
"""Of each value of a long event; an edit's whole file tells nothing that is learned from."""
WAITING_MAX = 20_000
"""Events that nobody has taken in; further ones are dropped, and that is noted."""
PROBLEM = "problem.txt"


def main(arguments: list[str]) -> int:
    """Put down the event on standard input; always return 0."""
    folder, namespace = (*arguments, "", "")[:2]
    try:
        put_down(sys.stdin.buffer.read(INPUT_BYTES_MAX + 1), folder, namespace)
    except Exception as error:  # noqa: BLE001 - the agent's call must go on
        note(folder, f"{type(error).__name__}: {error}")
    return 0


def put_down(content: bytes, folder: str, namespace: str) -> None:
    """Write one event into a file of its own, whole or not at all: two lines on it, then itself.

    Raises:
        ValueError: It is empty or too large, or is long and no JSON object.
        OSError: It cannot be written, or too many are waiting.
    """
    if not content.strip() or len(content) > INPUT_BYTES_MAX:
        raise ValueError(f"the event is empty, or has more than {INPUT_BYTES_MAX:,} bytes")
    if len(content) > AS_IT_IS_BYTES_MAX:
        content = cut(content)
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - pathlib takes 6 ms to import
    at = time.time_ns()
    if at % 16 == 0 and len(os.listdir(folder)) > WAITING_MAX:  # noqa: PTH208
        raise OSError(f"more than {WAITING_MAX:,} events are waiting; is no server running?")
    name = os.path.join(folder, f"{at:020d}-{os.getpid()}")  # noqa: PTH118
    project = os.environ.get("CLAUDE_PROJECT_DIR", "")
    about = "".join(f"{' '.join(word.splitlines())}\n" for word in (namespace, project))
    opened = os.open(f"{name}.part", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(opened, "wb") as file:  # noqa: PTH123
        file.write(os.fsencode(about) + content)
    os.replace(f"{name}.part", f"{name}.json")  # noqa: PTH105


def cut(content: bytes) -> bytes:
    """Return a long event with long texts and long or deep lists and objects cut."""
    import json  # noqa: PLC0415 - only a long event is worth it

    return json.dumps(short(json.loads(content))).encode()


def short(value: object, depth: int = 0) -> object:
    """Return a JSON value cut to what is learned from."""
    if isinstance(value, str):
        return value[:TEXT_CHARS_MAX]
    if isinstance(value, (dict, list)) and depth >= DEPTH_MAX:
        return "…"
    if isinstance(value, dict):
        items = list(value.items())[:ITEMS_MAX]
        return {name[:TEXT_CHARS_MAX]: short(item, depth + 1) for name, item in items}
    if isinstance(value, list):
        return [short(item, depth + 1) for item in value[:ITEMS_MAX]]
    return value


def note(folder: str, problem: str) -> None:
    """Leave word of a problem for `tmws-mcp hook status`."""
    try:
        with open(os.path.join(folder, PROBLEM), "w", encoding="utf-8") as file:  # noqa: PTH118, PTH123
            file.write(problem[:TEXT_CHARS_MAX])
    except OSError:  # the folder itself cannot be written: nowhere is left to say so
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
