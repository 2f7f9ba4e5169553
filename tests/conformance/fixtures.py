"""What the conformance suite asks of a server beside its own tools: added in tests alone."""

import base64
import json
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import BaseModel, Field

from tests.conformance.asking import ASKING, test_input_required_result_prompt

# One grey pixel, and a sound without samples.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
WAV = base64.b64encode(
    b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0@\x1f\0\0@\x1f\0\0\1\0\x08\0data\0\0\0\0"
).decode()
DIALECT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


class Answer(BaseModel):
    """What somebody may answer."""

    username: str = Field(description="A name")
    email: str = Field(description="An address")


class Defaults(BaseModel):
    """A default of each primitive type."""

    name: str = Field("John Doe", description="Name")
    age: int = Field(30, description="Years")
    score: float = Field(95.5, description="Points")
    status: str = Field(
        "active",
        description="State",
        json_schema_extra={"enum": ["active", "inactive", "pending"]},
    )
    verified: bool = Field(True, description="Seen")


def _titled(*names: str) -> list[dict[str, str]]:
    return [{"const": name, "title": name.upper()} for name in names]


class Choices(BaseModel):
    """Each way of offering a choice."""

    untitledSingle: str = Field(json_schema_extra={"enum": ["a", "b", "c"]})
    titledSingle: str = Field(json_schema_extra={"oneOf": _titled("a", "b", "c")})
    legacyEnum: str = Field(json_schema_extra={"enum": ["a", "b"], "enumNames": ["A", "B"]})
    untitledMulti: list[str] = Field(
        json_schema_extra={"items": {"type": "string", "enum": ["a", "b", "c"]}}
    )
    titledMulti: list[str] = Field(json_schema_extra={"items": {"anyOf": _titled("a", "b", "c")}})


def add_fixtures(server: MCPServer[Any]) -> None:
    """Add all of them to a server."""
    for tool in (
        test_simple_text, test_image_content, test_audio_content, test_embedded_resource,
        test_multiple_content_types, test_tool_with_logging, test_logging_tool,
        test_tool_with_progress, test_error_handling, test_sampling, test_elicitation,
        test_elicitation_sep1034_defaults, test_elicitation_sep1330_enums, test_reconnection,
        test_x_mcp_header, test_missing_capability, test_trigger_tool_change,
        test_trigger_prompt_change, *ASKING,
    ):  # fmt: skip
        server.add_tool(tool, structured_output=False)
    made = Tool.from_function(test_simple_text, name="json_schema_2020_12_tool")
    server._tool_manager._tools[made.name] = made.model_copy(update={"parameters": DIALECT})
    _add_resources(server)
    for prompt in (
        test_simple_prompt, test_prompt_with_arguments, test_prompt_with_embedded_resource,
        test_prompt_with_image, test_input_required_result_prompt,
    ):  # fmt: skip
        server.prompt()(prompt)
    _add_methods(server)


def _add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def text() -> str:
        """A text"""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def binary() -> bytes:
        """An image"""
        return base64.b64decode(PNG)

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """Something to subscribe to"""
        return "Watched"

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def filled(id: str) -> str:  # noqa: A002
        """A template"""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _add_methods(server: MCPServer[Any]) -> None:
    """Logging and subscriptions of the handshake era, which our server does not announce."""

    async def accept(_ctx: Any, _params: Any) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)


def test_simple_text() -> str:
    """A text"""
    return "This is a simple text response for testing."


def _image() -> ImageContent:
    return ImageContent(data=PNG, mime_type="image/png")


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def test_image_content() -> list[ImageContent]:
    """An image"""
    return [_image()]


def test_audio_content() -> list[AudioContent]:
    """A sound"""
    return [AudioContent(data=WAV, mime_type="audio/wav")]


def test_embedded_resource() -> list[EmbeddedResource]:
    """A resource"""
    said = "This is an embedded resource content."
    return [_embedded("test://embedded-resource", "text/plain", said)]


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Several kinds of content"""
    told = json.dumps({"test": "data", "value": 123})
    return [
        TextContent(text="Multiple content types test:"),
        _image(),
        _embedded("test://mixed-content-resource", "application/json", told),
    ]


async def test_tool_with_logging(ctx: Context) -> str:
    """Logs while it works"""
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(said)
        await anyio.sleep(0.05)  # the suite asks for it
    return "Logged"


async def test_logging_tool(ctx: Context) -> str:
    """Logs once"""
    await ctx.info("Here")
    return "Logged"


async def test_tool_with_progress(ctx: Context) -> str:
    """Tells its progress"""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100)
        await anyio.sleep(0.05)  # the suite asks for it
    return "Done"


def test_error_handling() -> str:
    """Fails"""
    raise RuntimeError("This tool intentionally returns an error for testing")


async def test_sampling(prompt: str, ctx: Context) -> str:
    """Asks the client's model"""
    asked = [SamplingMessage(role="user", content=TextContent(text=prompt))]
    told = await ctx.session.create_message(messages=asked, max_tokens=100)
    return f"LLM response: {getattr(told.content, 'text', '')}"


async def test_elicitation(message: str, ctx: Context) -> str:
    """Asks the user"""
    return await _asked(ctx, message, Answer)


async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
    """Asks with defaults"""
    return await _asked(ctx, "Fill in", Defaults)


async def test_elicitation_sep1330_enums(ctx: Context) -> str:
    """Asks for choices"""
    return await _asked(ctx, "Choose", Choices)


async def _asked(ctx: Context, message: str, schema: type[BaseModel]) -> str:
    told = await ctx.elicit(message, schema)
    content = told.data.model_dump_json() if told.action == "accept" else "{}"
    return f"Elicitation completed: action={told.action}, content={content}"


async def test_reconnection(ctx: Context) -> str:
    """Ends its stream, and answers on the next"""
    await ctx.close_sse_stream()
    await anyio.sleep(0.2)  # for the client to come back
    return "Reconnected"


def test_x_mcp_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "",
) -> str:
    """Has an argument that is a header too"""
    return region


async def test_missing_capability(ctx: Context) -> str:
    """Needs a client that samples"""
    told = ctx.client_capabilities
    if told is None or told.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="Needs sampling",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return "Has it"


async def test_trigger_tool_change(ctx: Context) -> str:
    """Says that the tools have changed"""
    await ctx.notify_tools_changed()
    return "Told"


async def test_trigger_prompt_change(ctx: Context) -> str:
    """Says that the prompts have changed"""
    await ctx.notify_prompts_changed()
    return "Told"


def test_simple_prompt() -> str:
    """A prompt"""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """A prompt with arguments"""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803
    """A prompt with a resource"""
    said = _embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [UserMessage(said), UserMessage("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[UserMessage]:
    """A prompt with an image"""
    return [UserMessage(_image()), UserMessage("Please analyze the image above.")]
