"""A server on loopback that speaks OpenAI's embeddings protocol, and misbehaves when told to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tmws_mcp.embedding.static import load_static

DIMENSIONS = 64
MODEL = "tiny"
WAIT_SECONDS_MAX = 20.0
"""How long a slow answer waits at most for the test to be over."""


@dataclass
class Answer:
    """What to answer instead of vectors."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hangs_up: bool = False
    waits: bool = False


@dataclass
class Endpoint:
    """The server's state: what was asked, and what it answers next."""

    port: int = 0
    asked: list[list[str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    """Taken one by one; then real vectors."""
    always: Answer | None = None
    chars_max: int = 10**9
    """A longer text is refused, as a model with a short context does."""
    dimensions: int = DIMENSIONS
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    before_answer: Callable[[], None] = lambda: None

    @property
    def name(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1#{MODEL}"

    def answer(self, texts: list[str], key: str | None) -> Answer:
        with self.lock:
            self.asked.append(texts)
            self.keys.append(key)
            told = self.always or (self.answers.pop(0) if self.answers else None)
        if told is not None:
            return told
        if any(len(text) > self.chars_max for text in texts):
            return Answer(400, b'{"error": {"message": "input too long"}}')
        return Answer(body=vectors(texts, self.dimensions))


def vectors(texts: list[str], dimensions: int = DIMENSIONS) -> bytes:
    """Return the answer with a vector for each text, last first: the order is not promised."""
    rows = load_static().encode(texts)[:, :dimensions]
    data: list[dict[str, Any]] = [
        {"object": "embedding", "index": index, "embedding": [float(x) for x in row]}
        for index, row in enumerate(rows)
    ]
    return json.dumps({"object": "list", "data": data[::-1], "model": MODEL}).encode()


class Handler(BaseHTTPRequestHandler):
    server: "Server"

    def do_POST(self) -> None:
        endpoint = self.server.endpoint
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.path == "/v1/embeddings"
        assert asked["model"] == MODEL
        told = endpoint.answer(asked["input"], self.headers.get("authorization"))
        endpoint.before_answer()
        if told.waits:
            endpoint.over.wait(WAIT_SECONDS_MAX)
        if told.hangs_up or told.waits:
            self.close_connection = True
            return
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(told.body)))
        self.end_headers()
        self.wfile.write(told.body)

    def log_message(self, *_: object) -> None:
        """Nothing: stderr is the tests'."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.endpoint = Endpoint(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """A client that went away is part of the play."""


@contextmanager
def serving(port: int = 0) -> Iterator[Endpoint]:
    server = Server(port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.endpoint
    finally:
        server.endpoint.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
