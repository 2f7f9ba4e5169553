"""The engine as one caller sees it: the same state, and narrower settings.

Each part resolves namespaces by `Settings.scope` alone, which refuses those that the settings do
not list. So a caller that may use some namespaces only gets parts with narrower settings, and no
call on any path needs a check of its own.
"""

from copy import copy
from typing import Self

from tmws_mcp.model import Namespace
from tmws_mcp.settings import Settings


class Scoped:
    """A part of the engine whose calls stay within the scope that its settings give."""

    _settings: Settings

    def within(self, settings: Settings) -> Self:
        """Return this part for a caller of narrower settings; all that it keeps is shared."""
        twin = copy(self)
        twin._settings = settings  # noqa: SLF001 - it is of this very class
        return twin


def narrowed(settings: Settings, namespaces: tuple[Namespace, ...]) -> Settings:
    """Return settings that allow these namespaces, of those that are allowed; the first is default.

    Where nothing is left the caller may use none.
    """
    allowed = tuple(
        name for name in namespaces if not settings.namespaces or name in settings.namespaces
    )
    return settings.model_copy(update={"namespace": "", "namespaces": allowed or (NOWHERE,)})


NOWHERE = "-"
"""No namespace can have this name."""
