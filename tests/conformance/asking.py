"""Tools and a prompt that ask the client before they answer (revision 2026-07-28)."""

from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)


def _form(message: str, name: str, kind: str = "string") -> ElicitRequest:
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str) -> CreateMessageRequest:
    asked = [SamplingMessage(role="user", content=TextContent(text=text))]
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=asked, max_tokens=50))


def _given(ctx: Context, *names: str) -> dict[str, Any] | None:
    told = ctx.input_responses or {}
    return {name: told[name] for name in names} if all(name in told for name in names) else None


async def test_streaming_elicitation(ctx: Context) -> str | InputRequiredResult:
    """Asks for a name"""
    return await test_input_required_result_elicitation(ctx)


async def test_input_required_result_elicitation(ctx: Context) -> str | InputRequiredResult:
    """Asks for a name"""
    if (told := _given(ctx, "user_name")) is None:
        asked = {"user_name": _form("What is your name?", "name")}
        return InputRequiredResult(input_requests=asked)
    return f"Hello, {(told['user_name'].content or {}).get('name', '')}!"


async def test_input_required_result_sampling(ctx: Context) -> str | InputRequiredResult:
    """Asks the client's model"""
    if (told := _given(ctx, "capital_question")) is None:
        asked = {"capital_question": _sample("What is the capital of France?")}
        return InputRequiredResult(input_requests=asked)
    return str(getattr(told["capital_question"].content, "text", ""))


async def test_input_required_result_list_roots(ctx: Context) -> str | InputRequiredResult:
    """Asks for the client's roots"""
    if (told := _given(ctx, "client_roots")) is None:
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})
    return ", ".join(str(root.uri) for root in told["client_roots"].roots)


async def test_input_required_result_request_state(ctx: Context) -> str | InputRequiredResult:
    """Sends a state along"""
    if _given(ctx, "confirm") is None or ctx.request_state != "asked":
        asked = {"confirm": _form("Please confirm", "ok", "boolean")}
        return InputRequiredResult(input_requests=asked, request_state="asked")
    return "state-ok"


async def test_input_required_result_tampered_state(ctx: Context) -> str | InputRequiredResult:
    """Sends a state along that must come back as it was"""
    return await test_input_required_result_request_state(ctx)


async def test_input_required_result_multiple_inputs(ctx: Context) -> str | InputRequiredResult:
    """Asks for three things"""
    if _given(ctx, "user_name", "greeting", "client_roots") is None:
        return InputRequiredResult(
            input_requests={
                "user_name": _form("What is your name?", "name"),
                "greeting": _sample("Generate a greeting"),
                "client_roots": ListRootsRequest(),
            },
            request_state="asked",
        )
    return "All there"


async def test_input_required_result_multi_round(ctx: Context) -> str | InputRequiredResult:
    """Asks twice"""
    if ctx.request_state == "two" and _given(ctx, "step2") is not None:
        return "Both there"
    if ctx.request_state == "one" and _given(ctx, "step1") is not None:
        asked = {"step2": _form("Step 2: What is your favorite color?", "color")}
        return InputRequiredResult(input_requests=asked, request_state="two")
    asked = {"step1": _form("Step 1: What is your name?", "name")}
    return InputRequiredResult(input_requests=asked, request_state="one")


async def test_input_required_result_capabilities(ctx: Context) -> str | InputRequiredResult:
    """Asks for what the client can do"""
    can = ctx.client_capabilities
    asked: dict[str, Any] = {}
    if can and can.sampling is not None:
        asked["sampled"] = _sample("Say something")
    if can and can.elicitation is not None:
        asked["user_name"] = _form("What is your name?", "name")
    if not asked or _given(ctx, *asked) is not None:
        return "Nothing to ask"
    return InputRequiredResult(input_requests=asked)


async def test_input_required_result_prompt(ctx: Context) -> str | InputRequiredResult:
    """A prompt that asks first"""
    if (told := _given(ctx, "user_context")) is None:
        asked = {"user_context": _form("What context should the prompt use?", "context")}
        return InputRequiredResult(input_requests=asked)
    return str((told["user_context"].content or {}).get("context", ""))


ASKING = (
    test_streaming_elicitation,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_tampered_state,
    test_input_required_result_capabilities,
)
