"""Lines out of chunks, however these are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmws_mcp.server.lines import EDGE_BYTES, Line, Lines

SHORT = 2 * EDGE_BYTES


def fed(lines: Lines, *chunks: bytes) -> list[Line]:
    return [line for chunk in chunks for line in lines.feed(chunk)] + list(lines.finish())


@given(st.lists(st.binary(max_size=50)), st.lists(st.integers(0, 500)))
def test_chunks_do_not_matter(parts: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(parts)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]

    found = [line.data for line in fed(Lines(), *chunks)]

    assert found == [line for line in data.split(b"\n") if line.strip()]


def test_of_a_line_that_is_too_long_the_edges_are_kept_and_the_next_line_is_whole() -> None:
    long = b"a" * EDGE_BYTES + b"-" * 5_000 + b"z" * EDGE_BYTES

    first, second = fed(Lines(SHORT), long[:2_000], long[2_000:], b"\nnext\n")

    assert first.too_long
    assert first.data == b"a" * EDGE_BYTES + b"z" * EDGE_BYTES
    assert second == Line(b"next")


@pytest.mark.parametrize(
    ("data", "request_id"),
    [
        (b'{"jsonrpc":"2.0","id":5,"method":"x","params":{"a":"bbb', 5),
        (b'{"jsonrpc": "2.0", "id": "five", "method": "x"', "five"),
        (b'{"method":"x","params":{"id":7},"jsonrpc":"2.0","id":5}', 5),
        (b'{"method":"x","params":{"a":1,"id":7}}', None),
        (b'{"method":"x"}', None),
    ],
)
def test_the_id_is_found_where_clients_put_it(data: bytes, request_id: int | str | None) -> None:
    assert Line(data, too_long=True).request_id() == request_id
