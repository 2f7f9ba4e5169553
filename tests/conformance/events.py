"""What a stream said, for a client of the 2025 revisions that comes back: in tests alone."""

from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp_types import JSONRPCMessage


class Events(EventStore):
    """All events of all streams, numbered in one row."""

    def __init__(self) -> None:
        self._said: list[tuple[StreamId, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        self._said.append((stream_id, message))
        return str(len(self._said))

    async def replay_events_after(
        self, last_event_id: EventId, send_callback: EventCallback
    ) -> StreamId | None:
        number = int(last_event_id) if last_event_id.isdigit() else 0
        if not 0 < number <= len(self._said):
            return None
        stream = self._said[number - 1][0]
        for at, (which, message) in enumerate(self._said[number:], number + 1):
            if which == stream and message is not None:
                await send_callback(EventMessage(message, str(at)))
        return stream
