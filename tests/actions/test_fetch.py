"""Reading from the web: real servers on this machine, and addresses that must not be reached."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import pytest
from pydantic import JsonValue

from tmws_mcp.actions.action import Workspace
from tmws_mcp.actions.fetch import BYTES_MAX, checked, http_get
from tmws_mcp.errors import ActionError, PatternFileError
from tmws_mcp.patterns.definition import parse_pattern

pytestmark = pytest.mark.anyio


class Site(BaseHTTPRequestHandler):
    """A site with a page for each thing that a site may do."""

    def do_GET(self) -> None:
        """Answer."""
        name = self.path.partition("?")[0]
        if name.startswith("/to/"):
            self.send_response(302)
            self.send_header("location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        kinds = {"/json": "application/json", "/image": "image/png"}
        self.send_response(404 if name == "/none" else 200)
        self.send_header("content-type", kinds.get(name, "text/plain; charset=utf-8"))
        if name == "/gzip":
            self.send_header("content-encoding", "gzip")
        self.end_headers()
        if name == "/large":
            self.wfile.write(b"x" * (BYTES_MAX + 1))
        elif name == "/json":
            self.wfile.write(b'{"path": "%s"}' % self.path.encode())
        else:
            self.wfile.write(self.headers["host"].encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


async def get(url: str, *hosts: str, **more: JsonValue) -> JsonValue:
    with anyio.fail_after(20):
        return await http_get(hosts).run({"url": url, **more}, Workspace())


async def test_a_host_that_is_allowed_is_read(port: int) -> None:
    here = f"near:localhost:{port}"
    text = await get(f"http://localhost:{port}/page", here)
    found = await get(f"http://localhost:{port}/json", here, params={"q": "a&b=c #"})

    assert text == {"from": "localhost", "answered": f"localhost:{port}"}
    assert found == {"from": "localhost", "answered": {"path": "/json?q=a%26b%3Dc+%23"}}


async def test_no_host_is_allowed_by_default(port: int) -> None:
    for hosts in ((), ("example.org",), (f"near:localhost:{port + 1}",), ("near:localhost",)):
        with pytest.raises(ActionError, match="TMWS_FETCH_HOSTS"):
            await get(f"http://localhost:{port}/page", *hosts)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1"])
async def test_this_machine_and_its_neighbours_need_to_be_named_as_such(host: str) -> None:
    with pytest.raises(ActionError, match="an address of this machine or a private network"):
        await checked(f"http://{host}/", [host])

    target = await checked(f"http://{host}/", [f"near:{host}"])
    assert target.address


@pytest.mark.parametrize(
    "url",
    [
        "gopher://example.org/", "ftp://example.org/", "http://", "example.org", "http://a@example.org/",
        "http://example.org\\@evil.example/", "http://exa\nmple.org/", "http://example.org:x/",
        "http://example.org.evil.example/", "http://2130706433/", "http://0x7f.1/",
    ],
)  # fmt: skip
async def test_what_is_no_url_of_an_allowed_host_is_refused(url: str) -> None:
    with pytest.raises(ActionError):
        await checked(url, ["example.org"])


async def test_a_redirect_is_followed_on_the_same_host_only(port: int) -> None:
    near = ("near:127.0.0.1", f"near:127.0.0.1:{port}", f"near:localhost:{port}")
    same = await get(f"http://127.0.0.1:{port}/to//page", *near)
    assert same["answered"] == f"127.0.0.1:{port}"

    with pytest.raises(ActionError, match="sends on to localhost"):
        await get(f"http://127.0.0.1:{port}/to/http://localhost:{port}/page", *near)
    with pytest.raises(ActionError, match="Nothing is read from evil"):
        await get(f"http://127.0.0.1:{port}/to/http://evil.example/", *near)
    with pytest.raises(ActionError, match="begin with http"):
        await get(f"http://127.0.0.1:{port}/to/ftp://example.org/x", *near)


async def test_redirects_end(port: int) -> None:
    url = f"http://127.0.0.1:{port}" + "/to/" * 9
    with pytest.raises(ActionError, match="more than 3 times"):
        await get(f"{url}/page", f"near:127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("large", "more than 1,048,576 bytes"),
        ("none", "answers 404"),
        ("image", "image/png, which is no text"),
        ("gzip", "compresses"),
    ],
)
async def test_what_is_too_much_or_no_text_is_refused(port: int, page: str, said: str) -> None:
    with pytest.raises(ActionError, match=said):
        await get(f"http://127.0.0.1:{port}/{page}", f"near:127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["https://example.org/{query}", "{query}/issues/{query}"])
def test_a_value_can_only_be_a_whole_url_or_a_parameter(url: str) -> None:
    step = {"name": "a", "action": "http.get", "with": {"url": url}}
    with pytest.raises(PatternFileError, match="into `params`, which is encoded"):
        parse_pattern(
            {"id": "infrastructure.x", "route": "infrastructure", "summary": "x", "steps": [step]},
            path="x",
        )
