"""Make `.venv`, with everything that demo, tests and checks need, out of requirements.lock.

Runs on a bare Python: standard library only, no root, and never an install into the Python that
runs it, since the system's own is often managed by the distribution (PEP 668). uv does the work
where it is installed; else venv and pip do. Both read the same lock with its hashes and no index
is named here, so that each machine's own configuration decides where packages come from.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this very check must run on older ones
    sys.exit(
        "tmws_mcp needs Python 3.11 or newer, and {} is {}.{}. Name another one: "
        "make PYTHON=/path/to/python3.11 …".format(sys.executable, *sys.version_info)
    )

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "tmws-bootstrap"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

PIP_ZIPAPP = "https://bootstrap.pypa.io/pip/pip.pyz"
"""pip as one file, from its own project: for a Python that was packaged without ensurepip."""
DOWNLOAD_SECONDS_MAX = 30

LOCKED = ["--require-hashes", "-r", str(LOCK)]
# Without isolation the build backend comes from the lock too, not from wherever it is newest.
OURSELVES = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]

NO_PIP = """\
This Python has no ensurepip and no pip, and pip could not be fetched ({problem}).
Install one of these and run the same command again:
  Debian, Ubuntu:  apt install python3-venv
  anywhere:        uv, one program without dependencies"""


class BootstrapError(Exception):
    """The environment could not be made; the message says what to do."""


def main() -> int:
    """Make the environment, or see that it is up to date."""
    stamp = fingerprint(LOCK, ROOT / "pyproject.toml")
    if PYTHON.exists() and STAMP.is_file() and STAMP.read_text("utf-8") == stamp:
        return 0
    started = time.monotonic()
    try:
        install()
    except BootstrapError as error:
        print(error, file=sys.stderr)
        return 2
    STAMP.write_text(stamp, "utf-8")
    say(f"Ready after {time.monotonic() - started:.0f} s; the next run skips this.")
    return 0


def fingerprint(*files: Path) -> str:
    """Return what the environment was made from: the files, the place and the Python."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version_info[:2]}\n".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def install() -> None:
    """Fill the environment with uv, else with pip.

    Raises:
        BootstrapError: Neither could do it.
    """
    uv = working_uv()
    if uv:
        say(f"Setting up {VENV.name} with {uv}, Python {sys.version.split()[0]}")
        try:
            install_with_uv(uv)
        except BootstrapError as error:
            say(f"{error} Going on with venv and pip.")
        else:
            return
    say(f"Setting up {VENV.name} with venv and pip, Python {sys.version.split()[0]}")
    install_with_pip()


def working_uv() -> str | None:
    """Return uv's path, unless it is missing or a shim that does not run."""
    found = shutil.which("uv")
    if not found:
        return None
    answer = subprocess.run([found, "--version"], capture_output=True, check=False)
    return found if answer.returncode == 0 else None


def install_with_uv(uv: str) -> None:
    """Make the environment and fill it."""
    if not ours():
        shutil.rmtree(VENV, ignore_errors=True)
        run("Making the environment", [uv, "venv", "--python", sys.executable, VENV])
    pip: list[str | Path] = [uv, "pip", "install", "--python", PYTHON]
    run("Installing the locked packages", [*pip, *LOCKED])
    run("Installing tmws-mcp itself", [*pip, *OURSELVES])


def install_with_pip() -> None:
    """Make the environment and fill it with the pip that can be had."""
    with tempfile.TemporaryDirectory() as scratch:
        pip = [*environment_with_pip(Path(scratch)), "install", "--disable-pip-version-check"]
        # Compiling all of it costs more time than it saves: what is used is compiled on first use.
        run("Installing the locked packages (a minute or two)", [*pip, "--no-compile", *LOCKED])
        run("Installing tmws-mcp itself", [*pip, *OURSELVES])


def environment_with_pip(scratch: Path) -> list[str | Path]:
    """Make the environment and return the command that is its pip."""
    own_pip: list[str | Path] = [PYTHON, "-m", "pip"]
    if ours() and runs(PYTHON, "-m", "pip", "--version"):
        return own_pip
    make: list[str | Path] = [sys.executable, "-m", "venv", "--clear"]
    # Tried instead of asked: Debian ships an ensurepip that is found and refuses to run.
    if subprocess.run([*make, VENV], capture_output=True, check=False).returncode == 0:
        return own_pip
    run("Making the environment, without pip", [*make, "--without-pip", VENV])
    if runs(sys.executable, "-m", "pip", "install", "--python", PYTHON, "--help"):
        return [sys.executable, "-m", "pip", "--python", PYTHON]
    return [PYTHON, fetched_pip(scratch / "pip.pyz")]


def fetched_pip(target: Path) -> Path:
    """Download pip's own zip application, the last resort, and return its path."""
    say(f"This Python has no pip: fetching {PIP_ZIPAPP}")
    try:
        with urllib.request.urlopen(PIP_ZIPAPP, timeout=DOWNLOAD_SECONDS_MAX) as answer:
            target.write_bytes(answer.read())
    except OSError as error:
        raise BootstrapError(NO_PIP.format(problem=error)) from error
    return target


def ours() -> bool:
    """Say whether there is an environment that works and is of the Python that make has found."""
    version = "{}.{}".format(*sys.version_info)
    return runs(PYTHON, "-c", f"import sys; sys.exit(sys.version[:4] != {version!r})")


def runs(*command: str | Path) -> bool:
    """Say whether a command exists and ends well."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(what: str, command: Sequence[str | Path]) -> None:
    """Run one step with its output in sight.

    Raises:
        BootstrapError: It failed.
    """
    say(what)
    code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    if code:
        shown = " ".join(str(part) for part in command)
        raise BootstrapError(f"{what}: `{shown}` failed with exit code {code}.")


def say(line: str) -> None:
    """Tell the person at the terminal, before the step that may take long."""
    print(f"==> {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
