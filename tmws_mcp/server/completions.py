"""What a client offers while its user fills in a prompt's argument or a resource's id."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from tmws_mcp.errors import TmwsError
from tmws_mcp.server.connection import SharedEngine
from tmws_mcp.server.documents import COLLECTIONS
from tmws_mcp.server.prompts import ARGUMENTS

VALUES_MAX = 100  # the specification's limit
PREFIX_CHARS_MAX = 200


def add_completions(server: MCPServer[Any], engine: SharedEngine) -> None:
    """Register the handler of completions, which announces the capability too."""

    @server.completion()  # type: ignore[no-untyped-call,untyped-decorator]
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _: CompletionContext | None,
    ) -> Completion | None:
        kind = completed_kind(ref, argument.name)
        if not kind or len(argument.value) > PREFIX_CHARS_MAX:
            return None
        try:
            values = await (await engine.get()).complete(kind, argument.value)
        except TmwsError:
            return None  # a store that cannot be opened: the tools say why, a menu cannot
        return Completion(values=list(values[:VALUES_MAX]), has_more=len(values) > VALUES_MAX)


def completed_kind(ref: PromptReference | ResourceTemplateReference, argument: str) -> str:
    """Return what `Engine.complete` calls the values of an argument; empty if it knows none."""
    if isinstance(ref, ResourceTemplateReference):
        known = {collection.uri: collection.completes for collection in COLLECTIONS}
        return known.get(ref.uri, "")
    return next((each.completes for each in ARGUMENTS if each.name == argument), "")
