"""What happens, told over a WebSocket: a JSON object for each event (model/events.py).

`/ws?namespaces=a&namespaces=b&kinds=executed` tells what happens from the moment on at which the
socket is accepted. It only tells: whoever sends something is sent away. A client that does not read
is waited for, and then finds how many events it has lost; nothing is kept for it meanwhile.
"""

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect, status

from tmws_mcp.engine.feed import Watcher
from tmws_mcp.engine.tokens import Tokens
from tmws_mcp.errors import InvalidInput, NotAllowed, TmwsError
from tmws_mcp.model.access import Access
from tmws_mcp.server.access import access_of, require
from tmws_mcp.telemetry import get_logger
from tmws_mcp.web.auth import until_refused

WATCHERS_MAX = 200
"""Sockets of a process at once; each looks ten times a second whether anything has happened."""
SEND_SECONDS_MAX = 60.0
"""A client that takes nothing for so long is given up."""
REASON_BYTES_MAX = 120
"""Of what a closing frame may say, 123 in the protocol."""

router = APIRouter()
log = get_logger("web")


@router.websocket("/ws")
async def live(socket: WebSocket) -> None:
    """Tell what happens until the client goes."""
    watching: set[WebSocket] = socket.app.state.watching
    if len(watching) >= WATCHERS_MAX:
        await _refuse(socket, status.WS_1013_TRY_AGAIN_LATER, f"{WATCHERS_MAX} watch already")
        return
    watching.add(socket)
    try:
        await _watch(socket)
    finally:
        watching.discard(socket)


async def _watch(socket: WebSocket) -> None:
    query = {name: socket.query_params.getlist(name) for name in socket.query_params}
    try:
        access = access_of(socket)
        require(access, "read")
        engine = await socket.app.state.engine.opened()
        if access is not None:
            engine = engine.seen_by(access)
        watcher = await engine.watch(query)
    except (InvalidInput, NotAllowed) as error:
        await _refuse(socket, status.WS_1008_POLICY_VIOLATION, str(error))
    except TmwsError as error:
        await _refuse(socket, status.WS_1011_INTERNAL_ERROR, str(error))
    else:
        await socket.accept()
        await _tell_until_gone(socket, watcher, engine.tokens, access)


async def _tell_until_gone(
    socket: WebSocket, watcher: Watcher, tokens: Tokens, access: Access | None
) -> None:
    async with anyio.create_task_group() as tasks:
        if access is not None:
            tasks.start_soon(_end_with_token, socket, tokens, access.token, tasks.cancel_scope)
        tasks.start_soon(_tell, socket, watcher, tasks.cancel_scope)
        try:
            message = await socket.receive()
            if message["type"] != "websocket.disconnect":
                await socket.close(status.WS_1003_UNSUPPORTED_DATA, "this socket only tells")
        finally:
            tasks.cancel_scope.cancel()


async def _tell(socket: WebSocket, watcher: Watcher, scope: anyio.CancelScope) -> None:
    try:
        while True:
            for event in await watcher.more():
                with anyio.fail_after(SEND_SECONDS_MAX):
                    await socket.send_text(event.model_dump_json())
    except TmwsError as error:
        await socket.close(status.WS_1011_INTERNAL_ERROR, _short(str(error)))
    except (TimeoutError, WebSocketDisconnect):
        log.info("watcher.gone")
    scope.cancel()


async def _end_with_token(
    socket: WebSocket, tokens: Tokens, name: str, scope: anyio.CancelScope
) -> None:
    try:
        await until_refused(tokens, name)
        await socket.close(status.WS_1008_POLICY_VIOLATION, "the token was revoked, or expired")
    except TmwsError as error:
        await socket.close(status.WS_1011_INTERNAL_ERROR, _short(str(error)))
    scope.cancel()


async def _refuse(socket: WebSocket, code: int, reason: str) -> None:
    """Say why: what is refused before it is accepted is told a browser without a reason."""
    await socket.accept()
    await socket.close(code, _short(reason))


def _short(text: str) -> str:
    return text.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
