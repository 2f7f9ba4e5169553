"""How the process listens."""

import socket

import pytest

from tmws_mcp.web.serving import _listening


@pytest.mark.parametrize("shared", [False, True])
def test_replies_wait_for_no_acknowledgement(shared) -> None:
    """asyncio sets TCP_NODELAY only on connections of a socket that says that it is TCP's."""
    with _listening("127.0.0.1", 0, shared=shared) as listener:
        assert listener.proto == socket.IPPROTO_TCP
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP
