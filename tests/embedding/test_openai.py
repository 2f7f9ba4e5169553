"""An HTTP endpoint over a real socket: vectors, and everything that can go wrong instead."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from tests.embedding.endpoint import DIMENSIONS, Answer, Endpoint, serving, vectors
from tmws_mcp.embedding import openai
from tmws_mcp.embedding.embedder import Embedder, Options, load_embedder
from tmws_mcp.embedding.static import load_static
from tmws_mcp.errors import EmbedderAway, EmbedderUnavailable, SettingsError

KEY = "sk-very-secret"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as running:
        yield running


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between tries, which are noted and not made."""
    pauses: list[float] = []
    monkeypatch.setattr(openai, "sleep", pauses.append)
    return pauses


def loaded(endpoint: Endpoint, key: str = "") -> Embedder:
    return load_embedder(endpoint.name, Options(key=key))


def test_texts_get_the_server_s_vectors_in_their_order(endpoint: Endpoint) -> None:
    embedder = loaded(endpoint)
    texts = ["The deploy failed", "  ", "Bananas are yellow"]

    rows = embedder.encode(texts)

    own = load_static().encode(texts)[:, :DIMENSIONS]
    assert (embedder.dimensions, embedder.prompt) == (DIMENSIONS, False)
    assert rows[0] @ own[0] == pytest.approx(np.linalg.norm(own[0]), abs=1e-5)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 0, 1], abs=1e-5)
    assert embedder.encode([]).shape == (0, DIMENSIONS)


def test_the_name_tells_host_and_model_and_never_the_key(endpoint: Endpoint) -> None:
    embedder = loaded(endpoint, KEY)

    assert embedder.id == f"openai:http://127.0.0.1:{endpoint.port}/v1#tiny"
    assert endpoint.keys == [f"Bearer {KEY}"]
    assert KEY not in repr(Options(key=KEY)) + repr(embedder)


def test_without_a_key_none_is_sent(endpoint: Endpoint) -> None:
    loaded(endpoint)

    assert endpoint.keys == [None]


def test_texts_go_in_batches_within_the_limits(endpoint: Endpoint) -> None:
    embedder = loaded(endpoint)
    endpoint.asked.clear()

    embedder.encode(["port"] * 70)
    embedder.encode(["x" * 50_000] * 20)

    sizes = [len(batch) for batch in endpoint.asked]
    chars = [sum(map(len, batch)) for batch in endpoint.asked]
    assert sizes == [64, 6, 12, 8]
    assert max(chars) <= openai.BATCH_CHARS_MAX
    assert max(len(text) for batch in endpoint.asked for text in batch) == openai.TEXT_CHARS_MAX


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again_with_growing_pauses(
    endpoint: Endpoint, waited: list[float], status: int
) -> None:
    embedder = loaded(endpoint)
    endpoint.answers = [Answer(status), Answer(status)]

    assert embedder.encode(["port"]).any()
    assert waited == [openai.BACK_OFF_SECONDS, 2 * openai.BACK_OFF_SECONDS]


def test_the_wait_that_the_server_asks_for_is_kept(endpoint: Endpoint, waited: list[float]) -> None:
    embedder = loaded(endpoint)
    endpoint.answers = [Answer(429, headers={"retry-after": "3"})]

    assert embedder.encode(["port"]).any()
    assert waited == [3.0]


def test_a_long_wait_is_left_to_the_next_round(endpoint: Endpoint, waited: list[float]) -> None:
    embedder = loaded(endpoint)
    endpoint.answers = [Answer(429, headers={"retry-after": "600"})]

    with pytest.raises(EmbedderAway, match=r"answers 429.*asked again by itself"):
        embedder.encode(["port"])
    assert waited == []


def test_tries_are_bounded(endpoint: Endpoint, waited: list[float]) -> None:
    embedder = loaded(endpoint)
    endpoint.asked.clear()
    endpoint.always = Answer(500)

    with pytest.raises(EmbedderAway, match="answers 500"):
        embedder.encode(["port"])
    assert len(endpoint.asked) == openai.TRIES_MAX
    assert len(waited) == openai.TRIES_MAX - 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_says_where_to_put_one(endpoint: Endpoint, status: int) -> None:
    endpoint.always = Answer(status, b"unknown key " + KEY.encode())

    with pytest.raises(
        EmbedderUnavailable, match=f"refuses the key.*{status}.*TMWS_EMBEDDER_KEY"
    ) as e:
        loaded(endpoint, KEY)
    assert KEY not in str(e.value)
    assert not isinstance(e.value, EmbedderAway)


@pytest.mark.parametrize("status", [302, 307, 404, 400])
def test_another_status_says_what_to_mend_and_a_redirect_is_not_followed(
    endpoint: Endpoint, status: int
) -> None:
    endpoint.always = Answer(status, headers={"location": "http://127.0.0.1:1/elsewhere"})

    with pytest.raises(EmbedderUnavailable, match=f"answers {status}.*Mend TMWS_EMBEDDER"):
        loaded(endpoint)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>gateway</html>",
        b"[]",
        b"{}",
        b'{"data": null}',
        b'{"data": [{"index": 0}]}',
        b'{"data": [{"index": 0, "embedding": "AAAA"}]}',
        b'{"data": [{"index": 0, "embedding": [1, "a"]}]}',
        b'{"data": [{"index": 0, "embedding": [1, NaN]}]}',
        b'{"data": [{"index": 0, "embedding": [1, 1e999]}]}',
        b'{"data": [{"index": 0, "embedding": []}]}',
        b'{"data": []}',
        b'{"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1]}]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_garbage_is_no_vector(endpoint: Endpoint, body: bytes) -> None:
    endpoint.always = Answer(body=body)

    with pytest.raises(EmbedderAway, match=f"127.0.0.1:{endpoint.port}/v1#tiny answers"):
        loaded(endpoint)


def test_other_dimensions_or_another_number_of_vectors_are_refused(endpoint: Endpoint) -> None:
    embedder = loaded(endpoint)
    endpoint.answers = [Answer(body=vectors(["port"], 32)), Answer(body=vectors(["a", "b"]))]

    with pytest.raises(EmbedderAway, match="32 dimensions, not 64"):
        embedder.encode(["port"])
    with pytest.raises(EmbedderAway, match="1 texts with something else than 1 vectors"):
        embedder.encode(["port"])


def test_a_reply_is_read_up_to_its_limit(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "REPLY_BYTES_MAX", 100)

    with pytest.raises(EmbedderAway, match="more than 100 bytes"):
        loaded(endpoint)


def test_a_text_that_is_too_long_for_the_model_is_cut_and_the_others_are_not(
    endpoint: Endpoint,
) -> None:
    embedder = loaded(endpoint)
    endpoint.chars_max = 1_500
    long = "port " * 800

    rows = embedder.encode(["the deploy failed", long, "bananas"])

    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert ["the deploy failed"] in endpoint.asked
    assert [long[:1_000]] in endpoint.asked


def test_a_text_that_is_refused_at_any_length_has_a_zero_row(endpoint: Endpoint) -> None:
    embedder = loaded(endpoint)
    endpoint.always = Answer(422)

    assert not embedder.encode(["port " * 1_000]).any()


def test_nobody_there_is_an_embedder_that_is_away(waited: list[float]) -> None:
    with serving() as gone:
        name = gone.name

    with pytest.raises(EmbedderAway, match=r"does not answer \(ConnectError\).*See that it runs"):
        load_embedder(name)
    assert len(waited) == openai.TRIES_MAX - 1


def test_a_server_that_dies_in_mid_run_is_away_and_answers_again_later(
    endpoint: Endpoint, waited: list[float]
) -> None:
    embedder = loaded(endpoint)
    endpoint.always = Answer(hangs_up=True)

    with pytest.raises(EmbedderAway, match="does not answer"):
        embedder.encode(["port"])
    endpoint.always = None
    assert embedder.encode(["port"]).any()
    assert len(waited) == openai.TRIES_MAX - 1


def test_a_server_that_never_answers_is_given_up(
    endpoint: Endpoint, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "REQUEST_SECONDS_MAX", 0.05)
    endpoint.always = Answer(waits=True)

    with pytest.raises(EmbedderAway, match=r"does not answer.*Timeout"):
        loaded(endpoint)
    assert len(waited) == openai.TRIES_MAX - 1


def test_several_threads_may_ask_at_once(endpoint: Endpoint) -> None:
    embedder = loaded(endpoint)
    rows: dict[int, np.ndarray] = {}

    def ask(number: int) -> None:
        rows[number] = embedder.encode([f"port {number}"])[0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(np.allclose(rows[n], embedder.encode([f"port {n}"])[0]) for n in range(8))


@pytest.mark.parametrize(
    "which",
    [
        "", "localhost:11434/v1#m", "http://localhost/v1", "http:///v1#m", "ftp://host/v1#m",
        "http://ada:pw-secret@host/v1#m", "http://host/v1?key=pw-secret#m", "http://host:pw-secret/#m",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(which: str) -> None:
    with pytest.raises(SettingsError, match=r"TMWS_EMBEDDER.*http://host:port/v1#model") as refused:
        load_embedder(f"openai:{which}")
    assert "pw-secret" not in str(refused.value)
