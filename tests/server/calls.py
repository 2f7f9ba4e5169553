"""What the tests of the MCP surface read out of replies."""

from mcp_types import CallToolResult, ReadResourceResult, TextContent, TextResourceContents


def text_of(result: CallToolResult) -> str:
    """Return the text part; a reply has no other content."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def json_of(result: ReadResourceResult) -> str:
    (content,) = result.contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return content.text
