"""REST at /api/v1: what the tools do, for programs that speak no MCP.

To add a group of routes, write a module with a `router` and name it here.
"""

from fastapi import APIRouter

from tmws_mcp.web.rest import answers, learned, memories, observations, patterns, server

router = APIRouter()
for group in (answers, memories, observations, patterns, learned, server):
    router.include_router(group.router)
