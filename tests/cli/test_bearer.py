"""A server that wants a token is spoken to with one, which no argument ever holds."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tmws_mcp.cli.bearer import TOKEN_CHARS_MAX, bearer_headers
from tmws_mcp.cli.exits import FAILED, NOTHING, OK
from tmws_mcp.errors import InvalidInput

RECALL = ("inspect", "recall", "which port", "--url")
LOCAL = "http://127.0.0.1:8931/mcp"


@pytest.fixture
def guarded(stored, monkeypatch) -> Iterator[tuple[str, str]]:
    """A server of its own process that serves nobody without a token: its URL, and one."""
    secret = stored("token", "create", "tests", "--can", "read").stdout.strip()
    monkeypatch.setenv("TMWS_HTTP_TOKENS", "true")
    serve = [sys.executable, "-m", "tmws_mcp", "serve", "--transport", "http", "--port", "0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield re.search(r"http://\S+", server.stderr.readline())[0], secret
        finally:
            server.terminate()
            server.stderr.read()


def test_a_token_opens_a_server_that_wants_one(stored, guarded, monkeypatch, tmp_path) -> None:
    url, secret = guarded
    without = stored(*RECALL, url)
    unseen = stored("inspect", "watch", "--seconds", "1", "--url", url)
    monkeypatch.setenv("TMWS_TOKEN", secret)
    named, seen = stored(*RECALL, url), stored("inspect", "watch", "--seconds", "1", "--url", url)
    monkeypatch.delenv("TMWS_TOKEN")
    (tmp_path / "token").write_text(f"{secret}\n")
    monkeypatch.setenv("TMWS_TOKEN_FILE", str(tmp_path / "token"))
    in_a_file = stored(*RECALL, url)
    may_not = stored("inspect", "call", "store_memory", '{"content": "x"}', "--url", url)

    assert (without.exit_code, unseen.exit_code) == (FAILED, FAILED)
    assert "TMWS_TOKEN_FILE" in without.stderr
    assert (named.exit_code, seen.exit_code, in_a_file.exit_code) == (OK, NOTHING, OK)
    assert "port 8931" in named.stdout
    assert "port 8931" in in_a_file.stdout
    assert may_not.exit_code == FAILED
    assert "may write" in may_not.stdout


def test_a_token_is_sent_encrypted_or_within_the_machine_alone() -> None:
    given = {"TMWS_TOKEN": "secret"}

    for safe in (LOCAL, "http://[::1]:1/mcp", "http://localhost/mcp", "https://tmws.example/mcp"):
        assert bearer_headers(safe, given) == {"Authorization": "Bearer secret"}
    for open_to_others in ("http://tmws.example/mcp", "ws://10.0.0.1/mcp", "tmws.example/mcp"):
        assert bearer_headers(open_to_others, {}) == {}
        with pytest.raises(InvalidInput, match="could read it") as refused:
            bearer_headers(open_to_others, given)
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["two words", "two\nlines", "umläut", "x" * (TOKEN_CHARS_MAX + 1), "nul\0", ""]
)
def test_what_is_no_token_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInput, match="TMWS_TOKEN_FILE") as refused:
        bearer_headers(LOCAL, {"TMWS_TOKEN_FILE": str(tmp_path / "token")})
    assert not text or text not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="none"):
        bearer_headers(LOCAL, {"TMWS_TOKEN_FILE": str(tmp_path / "none")})
