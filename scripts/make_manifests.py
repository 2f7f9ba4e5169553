"""Write what clients and registries read of this server, so that none of it says something else.

The bundle of Claude Desktop, the plugin of Claude Code with its hooks, the entry of the MCP
registry, and the configurations that other clients take. `make bundle` packs the first.
"""

import json
import sys
import tomllib
from collections.abc import Mapping

import anyio
from generated_page import ROOT, write_or_check_file
from make_tools_doc import listed
from pydantic import JsonValue

from tmws_mcp.cli.clients import CLIENTS
from tmws_mcp.cli.hook import EVENTS, TIMEOUT_SECONDS
from tmws_mcp.model import JsonObject

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAME, VERSION = PROJECT["name"], PROJECT["version"]
REGISTERED = f"io.github.tmws-mcp/{NAME}"
"""README names it too: so the registry knows that the package is ours."""
SHORT = "A memory that lasts, know-how learned from what was done, one call that answers cheaply."
"""The registry takes 100 characters."""
AUTHOR = {"name": PROJECT["authors"][0]["name"]}
HOOK = 'python3 -I -S "${CLAUDE_PLUGIN_ROOT}/tmws_mcp/ingest/hook_entry.py"'
"""Not through uvx, which takes ten times as long."""
UVX = ["uvx", NAME]
ON_REQUEST = ("register_pattern",)
"""Listed only where a setting says so."""
REGISTRY_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"


def bundle(tools: Mapping[str, str]) -> JsonObject:
    """Return the manifest of the bundle for Claude Desktop, which brings uv and Python."""
    return {
        "manifest_version": "0.4",
        "name": NAME,
        "display_name": "tmws_mcp",
        "version": VERSION,
        "description": SHORT,
        "long_description": PROJECT["description"],
        "author": AUTHOR,
        "license": PROJECT["license"],
        "keywords": PROJECT["keywords"],
        "server": {
            "type": "uv",
            "entry_point": "tmws_mcp/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--no-dev", "--directory", "${__dirname}", NAME],
                "env": {"TMWS_NAMESPACE": "${user_config.namespace}"},
            },
        },
        "tools": [{"name": name, "description": about} for name, about in tools.items()],
        "prompts_generated": True,
        "user_config": {
            "namespace": {
                "type": "string",
                "title": "Namespace",
                "description": "Whose memories these are; clients with the same one share them.",
                "required": False,
                "default": "default",
            }
        },
        "compatibility": {
            "platforms": ["darwin", "linux", "win32"],
            "runtimes": {"python": PROJECT["requires-python"]},
        },
    }


def registry() -> JsonObject:
    """Return the entry of the MCP registry."""
    package: JsonObject = {
        "registryType": "pypi",
        "identifier": NAME,
        "version": VERSION,
        "runtimeHint": "uvx",
        "transport": {"type": "stdio"},
        "environmentVariables": [
            {"name": "TMWS_HOME", "description": "Data folder.", "format": "filepath"},
            {"name": "TMWS_NAMESPACE", "description": "Namespace of calls that name none."},
        ],
    }
    return {
        "$schema": REGISTRY_SCHEMA,
        "name": REGISTERED,
        "title": "tmws_mcp",
        "description": SHORT,
        "version": VERSION,
        "packages": [package],
    }


def plugin() -> JsonObject:
    """Return the manifest of the plugin of Claude Code: this repository is the plugin."""
    about: JsonObject = {"name": NAME, "version": VERSION, "description": SHORT, "author": AUTHOR}
    return about | {"license": PROJECT["license"], "keywords": PROJECT["keywords"]}


def marketplace() -> JsonObject:
    """Return the list of the plugins in this repository: one."""
    entry: JsonObject = {"name": NAME, "source": "./", "description": SHORT}
    return {"name": NAME, "owner": AUTHOR, "plugins": [entry]}


def hooks() -> JsonObject:
    """Return the plugin's hooks, the ones that `tmws-mcp hook install` adds."""
    hook: JsonObject = {"type": "command", "command": HOOK, "timeout": TIMEOUT_SECONDS}
    groups: dict[str, JsonValue] = {
        event: [({"matcher": matcher} if matcher else {}) | {"hooks": [hook]}]
        for event, matcher in EVENTS.items()
    }
    return {"description": "Learns from each finished call, and hints.", "hooks": groups}


def servers() -> JsonObject:
    """Return the plugin's server: the code that came with the plugin."""
    args: list[JsonValue] = ["--from", "${CLAUDE_PLUGIN_ROOT}", NAME]
    return {"mcpServers": {"tmws": {"command": "uvx", "args": args}}}


def example(client: str) -> JsonObject:
    """Return a client's configuration as `tmws-mcp install` would write it."""
    known = CLIENTS[client]
    return {known.key: {"tmws": known.entry(UVX)}}


def main() -> int:
    """Write or check all of them; 1 if one is stale."""
    every = {tool.name: tool.description or "" for tool in anyio.run(listed)}
    tools = {name: about for name, about in every.items() if name not in ON_REQUEST}
    files = {
        "clients/claude-desktop/manifest.json": bundle(tools),
        "clients/cursor/mcp.json": example("cursor"),
        "clients/vscode/mcp.json": example("vscode"),
        "server.json": registry(),
        ".claude-plugin/plugin.json": plugin(),
        ".claude-plugin/marketplace.json": marketplace(),
        "hooks/hooks.json": hooks(),
        ".mcp.json": servers(),
    }
    stale = 0
    for name, content in files.items():
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        stale |= write_or_check_file(ROOT / name, text)
    return stale


if __name__ == "__main__":
    sys.exit(main())
