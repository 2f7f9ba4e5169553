"""Sharing what was learned: the background work, and what a person asks of it.

Where no Redis is set nothing of federation/ is imported, and nothing is said about it.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.abc

from tmws_mcp.engine.scoped import Scoped
from tmws_mcp.errors import FederationOff, HubNotReached, InvalidInput
from tmws_mcp.learning import sharing
from tmws_mcp.model import JsonObject
from tmws_mcp.model.events import EventKind
from tmws_mcp.model.federation import FederationReport, ForgottenEverywhere, NamespaceFederation
from tmws_mcp.settings import Settings
from tmws_mcp.store import actor as identities
from tmws_mcp.store import namespaces, shared
from tmws_mcp.store import slots as table
from tmws_mcp.store.database import Database
from tmws_mcp.store.driver import Connection

if TYPE_CHECKING:
    from tmws_mcp.federation.carrier import Carrier
    from tmws_mcp.federation.evidence import Shared
    from tmws_mcp.federation.looking import Asked
    from tmws_mcp.federation.member import Member
    from tmws_mcp.federation.redis_hub import RedisHub
    from tmws_mcp.federation.replicator import Replicator
    from tmws_mcp.federation.wire import Keyring

KEY_CHARS_MIN = 16
ANSWER_SECONDS_MAX = 10.0
ASK_SECONDS = 0.2
TICKS_MAX = 100
"""Of one `sync`: a tick sends ten thousand slots at most."""
OFF = "off: this instance works alone"


class Federation(Scoped):
    """The engine's part in federation; `engine.federation` is one."""

    def __init__(
        self,
        settings: Settings,
        tasks: anyio.abc.TaskGroup,
        *,
        store: Callable[[], Awaitable[Database]],
        tell: Callable[[EventKind, str, Callable[[], JsonObject]], None],
        clock: Callable[[], float],
    ) -> None:
        """`tell` hears of what came from other instances."""
        self._settings, self._tasks, self._clock = settings, tasks, clock
        self._store, self._tell = store, tell
        self._members: dict[str, Member] = {}

    async def begin(self, store: Database) -> None:
        """Share in the background from now on, where the settings say so."""
        if self.problem() is not None:
            return
        from tmws_mcp.federation import member  # noqa: PLC0415 - only who shares needs it
        from tmws_mcp.federation.evidence import Shared  # noqa: PLC0415 - see above

        everything = Shared()
        self._members = {name: self._member(store, name, everything) for name in self._names()}
        members = tuple(self._members.values())
        file = str(store.path.stat().st_ino)
        await store.write(member.settle, members, self._clock(), file)
        for one in members:
            self._tasks.start_soon(one.run)
        if self._settings.federation_group and self._settings.federation_bridge:
            for name in self._names():
                self._tasks.start_soon(self._carrier(store, name).run)

    def ring(self) -> None:
        """Say that something was counted; nothing is waited for."""
        for member in self._members.values():
            member.ring()

    def problem(self) -> str | None:
        """Say why nothing is shared, None where it is."""
        settings = self._settings
        if not settings.redis_url:
            return OFF
        if not settings.federation_namespaces:
            return "off: TMWS_FEDERATION_NAMESPACES names no namespace to share"
        if not settings.federation_keys or len(settings.federation_keys[0]) < KEY_CHARS_MIN:
            return f"off: TMWS_FEDERATION_KEYS needs a secret of {KEY_CHARS_MIN} characters or more"
        return None

    def in_words(self) -> str:
        """Return the state in a line."""
        if (problem := self.problem()) is not None:
            return problem
        states = ", ".join(
            f"{name} {self._members[name].state if name in self._members else 'starting'}"
            for name in self._names()
        )
        return f"{states}; over {shown_url(self._settings.redis_url)}"

    async def report(self) -> FederationReport:
        """Say what is shared, with whom, and how far all are in step."""
        store = await self._store()
        me = await store.read(identities.identity)
        if (problem := self.problem()) is not None:
            return FederationReport(state=problem, actor=me)
        lines = [await self._looked_at(store, name) for name in self._names()]
        return FederationReport(
            state=self.in_words(),
            hub=shown_url(self._settings.redis_url),
            actor=me,
            namespaces=tuple(lines),
        )

    def _names(self) -> tuple[str, ...]:
        shared, allowed = self._settings.federation_namespaces, self._settings.namespaces
        return tuple(name for name in shared if not allowed or name in allowed)

    async def _looked_at(self, store: Database, namespace: str) -> NamespaceFederation:
        from tmws_mcp.federation import looking  # noqa: PLC0415 - only who shares needs it
        from tmws_mcp.federation.hub import HubAway  # noqa: PLC0415 - see above

        ns = await store.read(namespaces.find, namespace)
        if ns is None:
            return NamespaceFederation(namespace=namespace, shared=False)
        asked: Asked | None = None
        place, figures = self._place(namespace), self._members[namespace].figures
        cursor = (await store.read(table.link, ns)).cursor
        with suppress(HubAway):  # what is known here is shown all the same
            async with self._hub(place) as hub:
                recent = await hub.recent(cursor)
                asked = looking.Asked(await hub.open(), await hub.told(), recent)
        return await store.read(looking.seen, ns, self._keyring(place), asked, figures)

    async def sync(self) -> FederationReport:
        """Agree with the hub now.

        Raises:
            FederationOff: Nothing is shared.
            HubNotReached: The hub does not answer.
        """
        for namespace in self._shared():
            async with self._replicator(namespace) as replicator:
                await replicator.tick()  # the next one speaks for those who are away as well
                for _ in range(TICKS_MAX):
                    await replicator.tick()
                    if await (await self._store()).read(_is_sent, replicator):
                        break
                await replicator.compare()
        return await self.report()

    async def forget(
        self,
        *,
        pattern: str = "",
        task: str = "",
        tool: str = "",
        actor: str = "",
        namespace: str = "",
    ) -> ForgottenEverywhere:
        """Forget on every instance one of: a learned pattern, a task, a tool, an instance.

        Of a task, told by its text, of a tool and of an instance goes all that was counted.
        It cannot be undone. Instances that are away do it when they come back.

        Raises:
            FederationOff: The namespace is not shared.
            HubNotReached: The hub does not answer; here it is forgotten already.
            InvalidInput: Not exactly one thing is named, or there is no such pattern.
        """
        what = {"pattern": pattern, "task": task, "tool": tool, "actor": actor}
        named = [(kind, name) for kind, name in what.items() if name]
        if len(named) != 1:
            raise InvalidInput("Name one of a learned pattern, --task, --tool, --actor.")
        name = self._settings.scope(namespace).namespace
        if name not in self._shared():
            raise FederationOff(f"namespace {name} is not shared")
        async with self._replicator(name) as replicator:
            done = await (await self._store()).write(self._forget, replicator, *named[0])
            await replicator.tick()
            return await self._heard(replicator, *done)

    def _forget(
        self, db: Connection, replicator: "Replicator", kind: str, name: str
    ) -> tuple[str, int, int]:
        """Forget here; return what in words, how many slots, and the tombstone's number."""
        from tmws_mcp.federation import replica  # noqa: PLC0415 - only who shares needs it

        ns = replicator.ns
        replicator.collect_all(db)
        if kind == "actor":
            changed = replica.forget_actor(db, ns, name)
            said = f"all that instance {name} counted"
        else:
            said, keys = self._keys(db, replicator, kind, name)
            changed = replica.forget(db, ns, keys)
        seq = identities.seq(db)  # of the newest tombstone
        replicator.bindings.adopt(db, ns, changed)
        return said, len(changed), seq

    def _keys(
        self, db: Connection, replicator: "Replicator", kind: str, name: str
    ) -> tuple[str, list[bytes]]:
        """Return what is meant in words, and the keys of all its slots."""
        from tmws_mcp.federation.privacy import Place  # noqa: PLC0415 - see above
        from tmws_mcp.federation.slots import OUTCOME, TASK  # noqa: PLC0415 - see above

        evidence, ns = self._member_of(replicator).evidence, replicator.ns
        if kind == "pattern":
            said, places = sharing.slots_of_pattern(db, ns, name)
            hidden = [evidence.seal.hidden(OUTCOME, Place(*place)) for place in places]
            return said, [key for key in hidden if key]
        slot = TASK if kind == "task" else OUTCOME
        said, told = (sharing.whole_task if kind == "task" else sharing.whole_tool)(name)
        whole = Place(*told)
        if (key := evidence.seal.hidden(slot, whole)) is None:
            raise InvalidInput(f"The {said} is never shared: `tmws-mcp learned forget` forgets it.")
        return said, [key, *evidence.wholes.parts(db, ns, whole)]

    def _member_of(self, replicator: "Replicator") -> "Member":
        return next(one for one in self._members.values() if one.ns == replicator.ns)

    async def _heard(
        self, replicator: "Replicator", said: str, slots: int, seq: int
    ) -> ForgottenEverywhere:
        """Wait a little while for the others to say that they have done it."""
        me = await replicator.store.read(identities.identity)
        done: set[str] = set()
        known: set[str] = set()
        with anyio.move_on_after(ANSWER_SECONDS_MAX):
            while True:
                told = await replicator.hub.told()
                known = set(told) - {me}
                done = {name for name in known if told[name].get(me, (0, 0))[0] >= seq}
                if done == known:
                    break
                await anyio.sleep(ASK_SECONDS)
        missing = len(known) - len(done)
        note = f"{missing} instances have not said so yet; they do it when they come" * bool(
            missing
        )
        return ForgottenEverywhere(
            subject=said, slots=slots, done=len(done) + 1, of=len(known) + 1, note=note
        )

    async def leave(self, namespace: str = "") -> ForgottenEverywhere:
        """Take back what this instance has shared, and keep it for itself alone.

        Raises:
            FederationOff: The namespace is not shared.
            HubNotReached: The hub does not answer; nothing has changed.
        """
        name = self._settings.scope(namespace).namespace
        if name not in self._shared():
            raise FederationOff(f"namespace {name} is not shared")
        async with self._replicator(name) as replicator:
            await replicator.tick()
            store = await self._store()
            seq = await store.write(_say_farewell, replicator)
            await replicator.tick()
            heard = await self._heard(replicator, "what this instance shared", 0, seq)
            await store.write(_part, replicator.ns)
        return heard.model_copy(
            update={"note": f"Take {name} out of TMWS_FEDERATION_NAMESPACES. {heard.note}".strip()}
        )

    def acl_rules(self, user: str) -> tuple[str, ...]:
        """Return the commands that make a Redis user for each shared namespace."""
        from tmws_mcp.federation.redis_hub import acl_rules  # noqa: PLC0415 - see above

        places = [self._place(name) for name in self._names()]
        if self._settings.federation_bridge:
            places += [name for name in self._names() if name not in places]
        return tuple(rule for place in places for rule in acl_rules(place, user))

    def _shared(self) -> tuple[str, ...]:
        if (problem := self.problem()) is not None:
            raise FederationOff(problem)
        return self._names()

    @asynccontextmanager
    async def _replicator(self, namespace: str) -> AsyncIterator["Replicator"]:
        """Give what speaks with the hub, beside the one of the background."""
        from tmws_mcp.federation.hub import HubAway, StaleEpoch  # noqa: PLC0415 - see above

        await self._store()  # opened, it has its members
        try:
            async with self._hub(self._place(namespace)) as hub:
                yield self._members[namespace].replicator_for(hub)
        except HubAway as error:
            raise HubNotReached(shown_url(self._settings.redis_url), str(error)) from error
        except StaleEpoch as error:
            raise HubNotReached(shown_url(self._settings.redis_url), "was emptied") from error

    @asynccontextmanager
    async def _hub(self, place: str) -> AsyncIterator["RedisHub"]:
        from tmws_mcp.federation.member import WAIT_SECONDS  # noqa: PLC0415 - see above
        from tmws_mcp.federation.redis_hub import redis_hub  # noqa: PLC0415 - see above

        url = self._settings.redis_url
        async with redis_hub(url, place, wait_seconds=WAIT_SECONDS) as hub:
            yield hub

    def _member(self, store: Database, namespace: str, everything: "Shared") -> "Member":
        from tmws_mcp.federation.evidence import Evidence, Meaning  # noqa: PLC0415 - see above
        from tmws_mcp.federation.member import Member  # noqa: PLC0415 - see above
        from tmws_mcp.federation.privacy import Seal  # noqa: PLC0415 - see above

        settings, place = self._settings, self._place(namespace)
        # It stays when keys are exchanged: under another one each thing would be another thing.
        secret = settings.federation_seal or settings.federation_keys[-1]
        seal = Seal(hashlib.sha256(secret.encode()).digest(), namespace, settings.federation_deny)
        meaning = Meaning(
            sharing.about,
            sharing.learn,
            sharing.unlearn,
            sharing.related,
            sharing.shown_by,
            sharing.unlearn_whole,
        )
        return Member(
            store=store,
            namespace=namespace,
            open_hub=lambda: self._hub(place),
            keyring=self._keyring(place),
            evidence=Evidence(seal, settings.federation_trust, meaning),
            shared=everything,
            clock=self._clock,
            taken_in=partial(self._taken_in, namespace),
            load=settings.federation_load,
        )

    def _place(self, namespace: str) -> str:
        """Return what the namespace is called at the hub: a group has a part of its own."""
        group = self._settings.federation_group
        return f"{namespace}/{group}" if group else namespace

    def _keyring(self, place: str) -> "Keyring":
        from tmws_mcp.federation.wire import Keyring  # noqa: PLC0415 - only who shares needs it

        secrets_of_team = self._settings.federation_keys
        return Keyring(
            place, tuple(hashlib.sha256(key.encode()).digest() for key in secrets_of_team)
        )

    def _carrier(self, store: Database, namespace: str) -> "Carrier":
        from tmws_mcp.federation.carrier import Carrier, Side  # noqa: PLC0415 - see _keyring

        def side(place: str) -> Side:
            return Side(self._keyring(place), lambda: self._hub(place))

        return Carrier(store, side(self._place(namespace)), side(namespace), self._clock)

    def _taken_in(self, namespace: str, slots: int) -> None:
        self._tell("replicated", namespace, lambda: {"slots": slots})


def _is_sent(db: Connection, replicator: "Replicator") -> bool:
    """Tell whether the hub was given all that this instance has counted."""
    newest = table.peer(db, replicator.ns, identities.identity(db)).vv
    return table.link(db, replicator.ns).pushed >= newest


def _say_farewell(db: Connection, replicator: "Replicator") -> int:
    """Redact own slots everywhere; the own rows of evidence stay."""
    from tmws_mcp.federation import replica  # noqa: PLC0415 - only who shares needs it

    replicator.collect_all(db)
    replica.forget_actor(db, replicator.ns, identities.identity(db))
    return identities.seq(db)


def _part(db: Connection, ns: int) -> None:
    """Drop what others have counted, and be another actor: the old one has said farewell."""
    shared.drop_foreign(db, ns, identities.identity(db))
    table.drop_link(db, ns)
    identities.rename(db, secrets.token_hex(8))
    sharing.touch(db, ns)


def shown_url(url: str) -> str:
    """Return the scheme, host and port of a URL, without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
