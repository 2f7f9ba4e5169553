"""What a person does with what was learned: promote it, forget it, carry it elsewhere, compare it.

No tool of a model's leads here: these are the command line's and a program's.
"""

from collections.abc import Awaitable, Callable

from tmws_mcp.actions.registry import is_known
from tmws_mcp.learning import promote
from tmws_mcp.model.learning import Promotion
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database


class Managing:
    """The engine's methods for people; `engine.manage` is one."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock

    async def promotion(self, pattern_id: str, namespace: str = "") -> Promotion:
        """Return the authored pattern that a learned one would become; nothing is written."""
        store, scope = await self._store(), self._settings.scope(namespace)
        return await store.read(promote.promotion, pattern_id, scope, is_action=is_known)
