"""The tools as the SDK serves them: the way of a call through the guard to the engine.

What they are stands in entries.py.
"""

import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from tmws_mcp.errors import TmwsError
from tmws_mcp.model import Request
from tmws_mcp.model.access import Permission
from tmws_mcp.model.problems import validated
from tmws_mcp.patterns.progress import told_to
from tmws_mcp.server.access import audited, caller_access, require
from tmws_mcp.server.connection import SharedEngine, caller_of
from tmws_mcp.server.entries import Entry, entries
from tmws_mcp.server.guard import Limits, checked_output, prepared, refusal
from tmws_mcp.server.schemas import input_schema, output_schema
from tmws_mcp.settings import Settings
from tmws_mcp.telemetry import get_logger

log = get_logger("server")


class EngineTool(Tool):
    """A tool of the table, served in place of one that the SDK would make of a function.

    The SDK drops unknown arguments, reads JSON out of texts, repeats rejected input and sends each
    reply twice; its `Tool.run` is where all four are decided.
    """

    entry: Any
    engine: Any
    limits: Any

    @classmethod
    def of(cls, entry: Entry, engine: SharedEngine, limits: Limits) -> "EngineTool":
        """Return the tool of a row."""
        return cls(
            fn=entry.call,
            name=entry.name,
            title=entry.title,
            description=entry.description,
            parameters=input_schema(entry.request),
            fn_metadata=FuncMetadata(arg_model=ArgModelBase),
            is_async=True,
            annotations=_annotations(entry),
            entry=entry,
            engine=engine,
            limits=limits,
        )

    @cached_property
    def output_schema(self) -> dict[str, Any] | None:
        """The schema of the structured part."""
        return output_schema(self.entry.reply)

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: ARG002, FBT001, FBT002 - the SDK's signature
    ) -> CallToolResult:
        """Answer a call; what the caller or the world got wrong is told to the model.

        Raises:
            UnexpectedToolError: A bug of ours: the SDK logs it and tells the model no more than
                this error's text.
        """
        started = time.perf_counter()
        try:
            reply = await self._answer(arguments, context)
            self._note(started, "ok")
        except TmwsError as error:
            reply = _refused(str(error))
            self._note(started, "refused", type(error).__name__)
        except Exception as error:
            self._note(started, "failed", type(error).__name__)
            raise UnexpectedToolError(
                f"{self.name} failed by an error of the server; its log (stderr) has the details."
            ) from error
        return reply

    def _note(self, started: float, outcome: str, error: str = "") -> None:
        """Note that a call was answered, and nothing of what was asked or said."""
        took = time.perf_counter() - started
        self.engine.measures.time("tool", took, tool=self.name, outcome=outcome)
        log.info("server.called", tool=self.name, error=error, duration_ms=round(took * 1000, 1))

    async def _answer(
        self, arguments: Mapping[str, Any], context: Context[Any, Any]
    ) -> CallToolResult:
        entry: Entry = self.entry
        request = validated(entry.request, prepared(arguments, self.parameters))
        access, needs = caller_access(), _needs(entry, request)
        require(access, needs, everywhere=needs == "admin")
        async with self.limits.turn():
            engine = await self.engine.get()
            caller = caller_of(context.request_context, engine)
            writer = None if needs == "read" else access
            namespace = str(getattr(request, "namespace", ""))
            async with audited(engine, writer, entry.name, namespace):
                with told_to(context.report_progress):
                    reply = await entry.call(engine, request, caller)
        return CallToolResult(
            content=[TextContent(text=checked_output(entry.text(reply)))],
            structured_content=entry.facts(reply),
        )


def _annotations(entry: Entry) -> ToolAnnotations:
    return ToolAnnotations(
        title=entry.title,
        read_only_hint=entry.hints.read_only,
        destructive_hint=entry.hints.destructive,
        idempotent_hint=entry.hints.idempotent,
        open_world_hint=entry.hints.open_world,
    )


def _refused(problem: str) -> CallToolResult:
    """Return a tool's error: the text, and nothing else that would cost tokens."""
    return CallToolResult(content=[TextContent(text=refusal(problem))], is_error=True)


def _needs(entry: Entry, request: Request) -> Permission:
    """Return what a token has to allow; what only matches and routes runs nothing."""
    return "read" if getattr(request, "dry_run", False) else entry.needs


def engine_tools(engine: SharedEngine, limits: Limits, settings: Settings) -> list[Tool]:
    """Return the tools to list."""
    return [EngineTool.of(entry, engine, limits) for entry in entries(settings)]
