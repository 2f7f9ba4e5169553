"""Lines out of chunks of bytes, with a bound on what a line may take up."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_types import RequestId

LINE_BYTES_MAX = 16 * 2**20
EDGE_BYTES = 300  # enough of both ends of a line to find its request's id

# Python clients write the id among the first keys, TypeScript ones as the last.
ID = rb'"id"\s*:\s*(?:(\d{1,18})|"([^"\\]{1,200})")'
ID_FIRST = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?' + ID)
ID_LAST = re.compile(rb",\s*" + ID + rb"\s*\}\s*$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; of one that was too long the two edges."""

    data: bytes
    too_long: bool = False

    def request_id(self) -> RequestId | None:
        """Return the id of the request that the line seems to hold, so that it can be answered."""
        found = ID_FIRST.match(self.data) or ID_LAST.search(self.data)
        if found is None:
            return None
        number, text = found.groups()
        return int(number) if number else str(text, "utf-8", "replace")


class Lines:
    """Puts chunks together and gives the lines that are complete."""

    def __init__(self, bytes_max: int = LINE_BYTES_MAX) -> None:
        assert bytes_max >= 2 * EDGE_BYTES
        self._bytes_max = bytes_max
        self._data = bytearray()
        self._too_long = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """Add a chunk; give each line that it completes and that holds anything."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._add(end)
            yield from self.finish()
        self._add(rest)

    def finish(self) -> Iterator[Line]:
        """Give what was fed since the last line's end, if it is anything."""
        line = Line(bytes(self._data), self._too_long)
        self._data.clear()
        self._too_long = False
        if line.data.strip():
            yield line

    def _add(self, part: bytes) -> None:
        self._data += part
        if len(self._data) > self._bytes_max:
            self._too_long = True
            del self._data[EDGE_BYTES:-EDGE_BYTES]
