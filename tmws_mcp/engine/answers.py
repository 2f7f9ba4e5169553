"""Answers that are given again, for as long as they are right.

An entry is found by what was asked (cache/process.py) and carries the ground that it stands on.
Where that has moved, what was written since is held against what the answer shows
(memory/standing.py): it stands, or it is made anew. So no write of any process is followed by an
answer that lacks it. What was not read from the store has no ground: it lives as long as its
pattern says.
"""

import json
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from tmws_mcp.cache.lifetimes import Lifetimes
from tmws_mcp.cache.process import ProcessCache
from tmws_mcp.cache.redis_layer import RedisLayer
from tmws_mcp.engine.encoder import Encoder
from tmws_mcp.engine.ground import Ground
from tmws_mcp.memory import standing
from tmws_mcp.memory.recall import NOTHING_RELEVANT, NOTHING_STORED, WORDS_ALONE
from tmws_mcp.model import ExecuteReply, RecallReply, RecallRequest, Scope
from tmws_mcp.patterns.notes import memories_in
from tmws_mcp.settings import Settings
from tmws_mcp.store.database import Database

LASTING_NOTES = frozenset({None, NOTHING_RELEVANT, NOTHING_STORED})
"""Whatever else a recall notes may be over without a memory being written."""

Recall = Callable[[RecallRequest], Awaitable[RecallReply]]


@dataclass(slots=True)
class Noted:
    """The recalls that an execution made."""

    recalls: list[tuple[RecallRequest, RecallReply]] = field(default_factory=list)

    def noting(self, recall: Recall) -> Recall:
        """Return the recall that notes what it is asked and answers."""

        async def noted(request: RecallRequest) -> RecallReply:
            reply = await recall(request)
            self.recalls.append((request, reply))
            return reply

        return noted


@dataclass(frozen=True, slots=True)
class Needs:
    """What an answer depends on, beside the memories that it shows."""

    learned: bool = False
    everything: bool = False
    """Every write moves it: a count of all that is stored, say."""
    acts: bool = False
    """Something outside of the store, which no write of ours tells of."""


@dataclass(slots=True)
class Answer:
    """A kept answer."""

    reply: ExecuteReply
    """As it was made."""
    again: ExecuteReply
    """As it is given again."""
    result: str
    """As JSON: to read it takes half as long as to copy the values."""
    ground: Ground
    needs: Needs
    showed: tuple[standing.Showed, ...]
    acted: bool
    """Whether a part of it came from outside of the store."""
    bytes: int
    leaves: float | None = None
    """When the first memory that it shows leaves "the last three hours", seconds since 1970."""
    alive: float | None = None
    """For how long it may still be given, where another instance has made it."""

    def has_ended(self, now: float) -> bool:
        """Whether a memory that it may show has expired, or left the time that was asked for."""
        ends = (self.ground.expires, self.leaves)
        return any(end is not None and end <= now for end in ends)

    def stands_on(self, ground: Ground) -> bool:
        """Whether nothing that it depends on was written since."""
        if self.needs.everything or self.ground.spaces != ground.spaces:
            return ground.version is not None and self.ground.version == ground.version
        if self.needs.learned and self.ground.learned < ground.learned:
            return False
        return not self.showed or self.ground.head >= max(ground.changed, ground.known_from)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer is looked up by, and what may still be said of it."""

    key: Hashable
    scope: Scope
    ground: Ground
    needs: Needs
    pattern: str
    seconds: float
    """How long its pattern lets it be given again."""
    place: str | None = None
    """Whoever names the same place may have it through Redis; None: it is not shared."""


class Answers:
    """The answers that this process keeps."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Callable[[], Awaitable[Database]],
        encoder: Encoder,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._encoder, self._clock = store, encoder, clock
        self._words_alone = settings.embedder == "none"
        self.shared = RedisLayer(settings.redis_url) if settings.redis_url else None
        """What instances share, where there is a Redis."""
        self.kept: ProcessCache[Answer] = ProcessCache(size=lambda answer: answer.bytes)
        self._lifetimes = Lifetimes()
        self.stood = self.fell = 0
        """Answers whose ground had moved: that stood all the same, and that did not."""

    def at_hand(self, key: Hashable, ground: Ground, started: float) -> ExecuteReply | None:
        """Return a kept answer that nobody has to look after: nothing was written since."""
        answer = self.kept.get(key)
        if answer is None or not self._untouched(answer, ground):
            return None
        self.kept.hit()
        return _given(answer, started)

    async def close(self) -> None:
        """Close the connections to what is shared."""
        if self.shared is not None:
            await self.shared.close()

    def counters(self) -> dict[str, int]:
        """Return what has been counted so far."""
        return {**self.kept.counters(), "stood": self.stood, "fell": self.fell}

    async def get_or_make(
        self, asked: Asked, make: Callable[[Noted], Awaitable[ExecuteReply]]
    ) -> ExecuteReply:
        """Return the answer, kept or made anew."""
        started = time.perf_counter()

        async def made() -> Answer:
            if (answer := await self._from_others(asked)) is not None:
                return answer
            noted = Noted()
            now = self._clock()
            answer = _answer(await make(noted), noted, asked, now)
            if not _is_checked(answer):
                self._lifetimes.made(asked.pattern, asked.key, answer.result)
            await self._to_others(answer, asked)
            return answer

        answer, kept = await self.kept.get_or_make(
            asked.key,
            made,
            seconds=lambda answer: self._alive(answer, asked),
            keep=self._lasts,
            good=lambda answer: self._good(answer, asked),
        )
        return _given(answer, started) if kept else answer.reply

    async def _from_others(self, asked: Asked) -> Answer | None:
        """Return the answer that another instance, or an earlier process, has made."""
        if self.shared is None or asked.place is None:
            return None
        found = await self.shared.get(asked.scope.namespace, (asked.place, asked.key))
        if found is None:
            return None
        try:
            reply = ExecuteReply.model_validate_json(found.value)
        except ValidationError:
            self.shared.reject()
            return None
        reply = reply.model_copy(update={"scope": asked.scope, "cached": "redis"})
        if next(memories_in(reply.result), None) is not None:  # nothing would make it fall
            self.shared.reject()
            return None
        return replace(_answer(reply, Noted(), asked, self._clock()), alive=found.seconds)

    async def _to_others(self, answer: Answer, asked: Asked) -> None:
        # A mode may add a recall to a pattern that has none: what is remembered stays here.
        if self.shared is None or asked.place is None or answer.showed or not self._lasts(answer):
            return
        where, key = asked.scope.namespace, (asked.place, asked.key)
        value = answer.reply.model_dump_json().encode()
        await self.shared.put(where, key, value, seconds=asked.seconds)

    def _untouched(self, answer: Answer, ground: Ground) -> bool:
        return answer.stands_on(ground) and not answer.has_ended(self._clock())

    def _alive(self, answer: Answer, asked: Asked) -> float:
        """Return how long an answer is kept."""
        if answer.alive is not None:
            return answer.alive
        checked = _is_checked(answer)
        return self._lifetimes.seconds(asked.pattern, asked.seconds, checked=checked)

    def _lasts(self, answer: Answer) -> bool:
        """Whether it may be given again: half an answer is not, nor one of a passing state."""
        from tmws_mcp.patterns.execute import is_whole  # noqa: PLC0415 - with the first query

        return is_whole(answer.reply) and all(map(self._is_lasting, answer.showed))

    def _is_lasting(self, showed: standing.Showed) -> bool:
        """Whether asking again would find the same: by words alone only where that was chosen."""
        note = showed.note
        if self._words_alone and note:
            note = note.replace(WORDS_ALONE, "").strip() or None
        return note in LASTING_NOTES and (self._words_alone or showed.tier != "lexical")

    async def _good(self, answer: Answer, asked: Asked) -> bool:
        if self._untouched(answer, asked.ground):
            return True
        good = not answer.has_ended(self._clock()) and await self._stands(answer, asked)
        self.stood, self.fell = self.stood + good, self.fell + (not good)
        (self._lifetimes.stood if good else self._lifetimes.changed)(asked.pattern)
        if good:
            answer.ground = asked.ground
        return good

    async def _stands(self, answer: Answer, asked: Asked) -> bool:
        """Hold against the answer what was written since."""
        bare = answer.needs.everything or answer.ground.spaces != asked.ground.spaces
        if bare or (answer.needs.learned and answer.ground.learned < asked.ground.learned):
            return False
        store = await self._store()
        for showed in answer.showed:
            if not await store.read(
                standing.stands,
                showed,
                answer.ground.head,
                asked.scope,
                embedder=await self._encoder.for_query(showed.request.query, store),
                now=self._clock(),
            ):
                return False
        return True


def _is_checked(answer: Answer) -> bool:
    """Whether all of it came from the store, against which it is held before it is given."""
    return bool(answer.showed) and not answer.acted


def _given(answer: Answer, started: float) -> ExecuteReply:
    """Return a kept reply; its result is the caller's own, who may do with it what he likes."""
    ms = round((time.perf_counter() - started) * 1000, 3)
    return answer.again.model_copy(update={"result": json.loads(answer.result), "ms": ms})


def _answer(reply: ExecuteReply, noted: Noted, asked: Asked, now: float) -> Answer:
    from tmws_mcp.patterns.execute import as_cached  # noqa: PLC0415 - with the first query

    showed = tuple(standing.showed(*one) for one in noted.recalls)
    return Answer(
        reply=reply,
        again=as_cached(reply, "process", 0.0),
        result=json.dumps(reply.result),
        ground=asked.ground,
        needs=asked.needs,
        showed=showed,
        acted=asked.needs.acts,
        bytes=len(reply.model_dump_json()),
        leaves=min((now + one.within for one in showed if one.within is not None), default=None),
    )
