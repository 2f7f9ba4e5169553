"""Parts that answer from real values, and executions with them."""

from collections.abc import Callable

from pydantic import JsonValue

from tmws_mcp.actions.action import Action, Workspace
from tmws_mcp.model import (
    Decision,
    ExecuteReply,
    ExecuteRequest,
    JsonObject,
    Match,
    Memory,
    RecallReply,
    RecallRequest,
    RecommendReply,
    RecommendRequest,
    Scope,
    StoreReply,
    StoreRequest,
)
from tmws_mcp.patterns.definition import Pattern, parse_pattern
from tmws_mcp.patterns.execute import Parts, execute

SCOPE = Scope(namespace="here", source="argument")


class World:
    """Memories to recall, actions to call, and what was asked of them."""

    def __init__(self) -> None:
        self.memories: list[Memory] = []
        self.recalled: list[RecallRequest] = []
        self.stored: list[StoreRequest] = []
        self.recommended: list[RecommendRequest] = []
        self.actions: dict[str, Action] = {}

    def remember(self, count: int, *tags: str) -> None:
        for number in range(count):
            self.memories.append(
                Memory(
                    id=f"m{number}",
                    content=f"fact {number}",
                    created_at="2026-05-08T00:00:00Z",
                    kind="semantic",
                    namespace="here",
                    tags=tags,
                )
            )

    def act(self, name: str) -> Callable[[Callable[[JsonObject], object]], None]:
        def add(run: Callable[[JsonObject], object]) -> None:
            async def action(arguments: JsonObject, _where: Workspace) -> JsonValue:
                return await run(arguments)

            self.actions[name] = Action(name, name, action)

        return add

    async def recall(self, request: RecallRequest) -> RecallReply:
        self.recalled.append(request)
        found = [m for m in self.memories if set(request.tags) <= set(m.tags)][: request.limit]
        return RecallReply(memories=found, tokens=0, omitted=0, tier="hybrid", scope=SCOPE)

    async def store(self, request: StoreRequest) -> StoreReply:
        self.stored.append(request)
        return StoreReply(id="new", created=True, scope=SCOPE)

    async def recommend(self, request: RecommendRequest) -> RecommendReply:
        self.recommended.append(request)
        return RecommendReply(abstained="no evidence", scope=SCOPE)

    @property
    def parts(self) -> Parts:
        return Parts(self.recall, self.store, self.recommend, self.actions)


def pattern(*steps: JsonObject, route: str = "memory", **more: object) -> Pattern:
    definition = {"id": f"{route}.x", "route": route, "summary": "x", "steps": list(steps)}
    return parse_pattern(definition | more, path="x")


async def run(
    world: World,
    pattern: Pattern | None,
    query: str = "the query",
    *,
    route: str | None = None,
    found: dict[str, str] | None = None,
    runs: bool = True,
    **request: object,
) -> ExecuteReply:
    name = pattern.id if pattern else None
    match = Match(
        name, "regex" if name else "none", 0.9, found or {}, () if name else ("memory.y",)
    )
    taken = route or (pattern.route if pattern else "memory")
    decision = Decision(taken, 0.8, "because", runs=runs)
    asked = ExecuteRequest.model_validate({"query": query} | request)
    return await execute(pattern, match, decision, asked, SCOPE, world.parts)
