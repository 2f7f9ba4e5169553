"""Any HTTP endpoint that speaks OpenAI's embeddings protocol: Ollama, vLLM, llama.cpp and more.

`http://localhost:11434/v1#nomic-embed-text`: the URL up to `/embeddings`, and the model. Memories
go to that host and to no other: redirects are refused, and loopback is reached without a proxy.
Whatever the server does, an answer comes within bounds of time, tries and bytes, or is an error
that says who must act: EmbedderAway mends itself, EmbedderUnavailable needs the user.
"""

import json
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from tmws_mcp.embedding.embedder import Options
from tmws_mcp.embedding.rows import Floats, unit_length
from tmws_mcp.errors import EmbedderAway, EmbedderUnavailable, SettingsError

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS_MAX = 2.0
REQUEST_SECONDS_MAX = 30.0  # a model that must first be read from the disk takes this long
TRIES_MAX = 3
BACK_OFF_SECONDS = 0.5  # doubled at each try
RETRY_AFTER_SECONDS_MAX = 5.0  # told to wait longer, we come back with the next round
BATCH_TEXTS_MAX = 64
BATCH_CHARS_MAX = 100_000
TEXT_CHARS_MAX = 8_000
TEXT_CHARS_MIN = 500  # a text that is refused at this length is refused for another reason
REPLY_BYTES_MAX = 32_000_000  # 64 vectors of 16,384 dimensions, as text
DIMENSIONS_MAX = 8_192  # what the store's vector tables take
PROBE = "Which port does the server use?"
OK, TOO_MANY, SERVER_ERROR = 200, 429, 500
TEXT_REFUSED = frozenset({400, 413, 422})
NOT_ALLOWED = frozenset({401, 403})


class TextRefused(Exception):
    """The server takes the request, and not these texts: one of them is too long for its model."""


class OpenAiEmbedder:
    """Encodes texts by a model behind HTTP; threads may share it."""

    prompt = False

    def __init__(
        self,
        url: str,
        model: str,
        client: "httpx2.Client",
    ) -> None:
        self.id = f"openai:{url}#{model}"
        self.dimensions = 0
        self._url, self._model, self._client = url, model, client
        self.dimensions = self._asked([PROBE]).shape[1]

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row of unit length for each text; a zero row where it is blank or refused."""
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        for places in _batches(texts):
            rows[places] = self._divided([texts[place][:TEXT_CHARS_MAX] for place in places])
        return unit_length(rows)

    def _divided(self, texts: Sequence[str]) -> Floats:
        """Ask for all texts at once; where they are refused, find the one and cut it."""
        try:
            return self._asked(texts)
        except TextRefused:
            if len(texts) > 1:
                half = len(texts) // 2
                return np.vstack([self._divided(texts[:half]), self._divided(texts[half:])])
            if len(texts[0]) > TEXT_CHARS_MIN:
                return self._divided([texts[0][: max(len(texts[0]) // 2, TEXT_CHARS_MIN)]])
            return np.zeros((1, self.dimensions), np.float32)

    def _asked(self, texts: Sequence[str]) -> Floats:
        """Ask until there is an answer, TRIES_MAX times at most."""
        waits = [BACK_OFF_SECONDS * 2**n for n in range(TRIES_MAX - 1)]
        while True:
            try:
                return self._once(texts)
            except _TryAgain as error:
                if not waits or error.seconds > RETRY_AFTER_SECONDS_MAX:
                    raise self._away(str(error)) from error
                sleep(max(waits.pop(0), error.seconds))

    def _once(self, texts: Sequence[str]) -> Floats:
        import httpx2  # noqa: PLC0415 - 60 ms that only this embedder needs

        try:
            request = {"model": self._model, "input": list(texts)}
            with self._client.stream("POST", f"{self._url}/embeddings", json=request) as reply:
                self._check(reply.status_code, reply.headers.get("retry-after", ""))
                return self._rows(self._bounded(reply), len(texts))
        except httpx2.HTTPError as error:
            raise _TryAgain(f"does not answer ({type(error).__name__})") from error

    def _check(self, status: int, retry_after: str) -> None:
        """Raise what a status means, without the server's own words: they may repeat a memory."""
        if status == OK:
            return
        if status == TOO_MANY or status >= SERVER_ERROR:
            raise _TryAgain(f"answers {status}", _seconds(retry_after))
        if status in TEXT_REFUSED and self.dimensions:
            raise TextRefused
        if status in NOT_ALLOWED:
            remedy = "Set TMWS_EMBEDDER_KEY to a key that it takes."
            raise EmbedderUnavailable(f"{self.id} refuses the key ({status})", remedy=remedy)
        raise EmbedderUnavailable(
            f"{self.id} answers {status}",
            remedy="Mend TMWS_EMBEDDER: the URL up to /embeddings, and a model that it has.",
        )

    def _bounded(self, reply: "httpx2.Response") -> bytes:
        """Return the body, read within the bounds of bytes and of time."""
        deadline = monotonic() + REQUEST_SECONDS_MAX
        body = bytearray()
        for chunk in reply.iter_bytes():
            body += chunk
            if len(body) > REPLY_BYTES_MAX:
                raise self._away(f"answers with more than {REPLY_BYTES_MAX:,} bytes")
            if monotonic() > deadline:
                raise _TryAgain(f"takes more than {REQUEST_SECONDS_MAX:g} s")
        return bytes(body)

    def _rows(self, body: bytes, count: int) -> Floats:
        try:
            found = sorted(json.loads(body)["data"], key=lambda one: int(one["index"]))
            rows = np.array([one["embedding"] for one in found], np.float32)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            problem = f"answers with something else than embeddings ({type(error).__name__})"
            raise self._away(problem) from error
        if rows.ndim != 2 or len(rows) != count or not np.isfinite(rows).all():  # noqa: PLR2004
            raise self._away(f"answers {count} texts with something else than {count} vectors")
        if not 0 < rows.shape[1] <= DIMENSIONS_MAX or rows.shape[1] != self._expected(rows):
            raise self._away(f"answers with {rows.shape[1]:,} dimensions, not {self.dimensions:,}")
        return rows

    def _expected(self, rows: Floats) -> int:
        return self.dimensions or int(rows.shape[1])

    def _away(self, problem: str) -> EmbedderAway:
        return EmbedderAway(
            f"{self.id} {problem}",
            remedy="See that it runs; it is asked again by itself, and vectors follow then.",
        )


class _TryAgain(Exception):
    """Another try may do."""

    def __init__(self, problem: str, seconds: float = 0.0) -> None:
        self.seconds = seconds
        super().__init__(problem)


def _seconds(retry_after: str) -> float:
    """Return how long the server wants us to wait; a date is answered with our own back-off."""
    return min(float(retry_after), 1e6) if retry_after.isdecimal() else 0.0


def _batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the places of texts that are sent together; blank ones are left out."""
    batch: list[int] = []
    chars = 0
    for place, text in enumerate(texts):
        if not text.strip():
            continue
        size = min(len(text), TEXT_CHARS_MAX)
        if batch and (len(batch) == BATCH_TEXTS_MAX or chars + size > BATCH_CHARS_MAX):
            yield batch
            batch, chars = [], 0
        batch.append(place)
        chars += size
    if batch:
        yield batch


def load_openai(which: str, options: Options) -> OpenAiEmbedder:
    """Return the embedder of an endpoint, which is asked once for its vectors' dimensions.

    Raises:
        SettingsError: The URL names no host or no model, or holds a password.
        EmbedderAway: It does not answer now.
        EmbedderUnavailable: It refuses the key, or knows no such model.
    """
    import httpx2  # noqa: PLC0415 - 60 ms that only this embedder needs

    url, model = _endpoint(which)
    headers: dict[str, Any] = {"authorization": f"Bearer {options.key}"} if options.key else {}
    client = httpx2.Client(
        headers=headers,
        timeout=httpx2.Timeout(REQUEST_SECONDS_MAX, connect=CONNECT_SECONDS_MAX),
        follow_redirects=False,
        # Nobody closes an embedder; so no connection is kept, at the price of a handshake for each.
        limits=httpx2.Limits(max_keepalive_connections=0),
        trust_env=not _is_loopback(urlsplit(url).hostname or ""),
    )
    return OpenAiEmbedder(url, model, client)


def _endpoint(which: str) -> tuple[str, str]:
    """Return URL and model; whatever is wrong, the value is not repeated: it may hold a secret."""
    form = "Write http://host:port/v1#model, and the key into TMWS_EMBEDDER_KEY."
    try:
        parts = urlsplit(which)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError as error:
        raise SettingsError(f"TMWS_EMBEDDER holds no URL. {form}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.fragment:
        raise SettingsError(f"TMWS_EMBEDDER names no URL with a model behind '#'. {form}")
    if "@" in parts.netloc or parts.query:
        raise SettingsError(f"TMWS_EMBEDDER holds a password or a query. {form}")
    return parts._replace(fragment="").geturl().rstrip("/"), parts.fragment


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
