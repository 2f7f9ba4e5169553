"""A Redis as hub.

All keys of a namespace have one hash tag, so that they lie in one slot of a cluster:
`:epoch` string · `:vv` hash actor -> mark · `:s:<actor>` hash slot key -> stored slot (wire.py) ·
`:actors` set · `:log` Stream with fields p (entry), m (MAC) · `:tomb` hash tombstone -> gen ·
`:dg` hash actor -> digests · `:t:<actor>` list of the tags that its mark has had.

Waiting has a connection of its own whose timeout is above that of the wait: redis-py's default cut
an XREAD of 8 s off and hung for 58 s. Nothing is sent again by the library: what is sent is state,
and the next tick sends it anew, while a repeated XADD would leave the entry several times.
"""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from tmws_mcp.federation.hub import (
    START,
    TRAIL_MAX,
    Appended,
    Digests,
    HubAway,
    Log,
    Opened,
    OtherMark,
    Page,
    Sealed,
    StaleEpoch,
)
from tmws_mcp.federation.looking import Recent
from tmws_mcp.federation.slots import FAREWELL, TOMBSTONE
from tmws_mcp.federation.wire import HEADER_BYTES, MAC_BYTES, NUMBER_DIGITS, UNREADABLE
from tmws_mcp.model.federation import Mark

if TYPE_CHECKING:
    from redis.asyncio import Redis

LOG_MAX = 10_000
READ_MAX = 200
PAGE_SLOTS = 1_000
CONNECT_SECONDS_MAX = 3.0
ANSWER_SECONDS_MAX = 10.0
WAIT_SECONDS_MORE = 5.0
HEALTH_SECONDS = 15
DIGESTS_BYTES_MAX = 64 * 1024
TOLD_MAX = 1_000
STALE = "STALEEPOCH"
OTHER = "OTHERMARK"

# All slots go as one argument, since the client library looks at each one for some microseconds.
KEY_DIGITS, VALUE_DIGITS = 4, 5
LENGTHS_BYTES = KEY_DIGITS + VALUE_DIGITS
LENGTHS = b"%04d%05d"

# Numbers stand as decimal text in front of a stored slot: gen, then seq. They are compared as
# doubles, which hold them exactly (wire.SEQ_MAX). Bodies are compared byte by byte: Lua's `<`
# follows the server's locale.
MERGE = f"""
local epoch, vv, own, log, tomb, actors, trail = unpack(KEYS)
local digits, header = {NUMBER_DIGITS}, {HEADER_BYTES}
local prefix = ARGV[9]
if redis.call('GET', epoch) ~= ARGV[1] then return redis.error_reply('{STALE}') end
if ARGV[10] == '1' then
  local there = redis.call('HGET', vv, ARGV[2])
  if string.sub(there or '', digits + 1) ~= ARGV[11] then
    return redis.error_reply('{OTHER}')
  end
end
local function gen(v) return tonumber(string.sub(v, 1, digits)) end
local function body(v) return string.sub(v, header + {MAC_BYTES} + 1) end
local function is_greater(value, known)
  if #value == header or #known == header then return #value == header and #known > header end
  local one, other = body(value), body(known)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then return a > b end
  end
  return #one > #other
end
local function seq(v) return tonumber(string.sub(v, digits + 1, 2 * digits)) end
redis.call('SADD', actors, ARGV[2])
local function forgets(key)
  local kind = string.sub(key, 1, 1)
  return kind == '{TOMBSTONE.decode()}' or kind == '{FAREWELL.decode()}'
end
local function cut(hash, key, v)
  if v and #v > header then redis.call('HSET', hash, key, string.sub(v, 1, header)) end
end
local slots, told, at = {{}}, ARGV[12], 1
while at <= #told do
  local keyed = at + {LENGTHS_BYTES} + tonumber(string.sub(told, at, at + {KEY_DIGITS} - 1))
  local ending = keyed + tonumber(string.sub(told, at + {KEY_DIGITS}, at + {LENGTHS_BYTES} - 1))
  slots[#slots + 1] = {{
    string.sub(told, at + {LENGTHS_BYTES}, keyed - 1), string.sub(told, keyed, ending - 1)
  }}
  at = ending
end
for _, slot in ipairs(slots) do
  local key, value = slot[1], slot[2]
  if forgets(key) and gen(value) > tonumber(redis.call('HGET', tomb, key) or 0) then
    redis.call('HSET', tomb, key, string.format('%.0f', gen(value)))
    local target = string.sub(key, 2)
    if string.sub(key, 1, 1) == '{TOMBSTONE.decode()}' then
      for _, actor in ipairs(redis.call('SMEMBERS', actors)) do
        local v = redis.call('HGET', prefix .. actor, target)
        if v and gen(v) < gen(value) then cut(prefix .. actor, target, v) end
      end
    else
      local all = redis.call('HGETALL', prefix .. target)
      for j = 1, #all, 2 do
        if not forgets(all[j]) and seq(all[j + 1]) <= gen(value) then
          cut(prefix .. target, all[j], all[j + 1])
        end
      end
    end
    redis.call('XTRIM', log, 'MAXLEN', 0)
  end
end
local leaks = false
local farewell = tonumber(redis.call('HGET', tomb, '{FAREWELL.decode()}' .. ARGV[2]) or 0)
for _, slot in ipairs(slots) do
  local key, value = slot[1], slot[2]
  if not forgets(key) then
    local buried = tonumber(redis.call('HGET', tomb, '{TOMBSTONE.decode()}' .. key) or 0)
    if gen(value) < buried or seq(value) <= farewell then
      leaks = leaks or #value > header
      value = string.sub(value, 1, header)
    end
  end
  local known = redis.call('HGET', own, key)
  local newer = not known or gen(value) > gen(known)
  if known and gen(value) == gen(known) then
    newer = seq(value) > seq(known)
      or (seq(value) == seq(known) and is_greater(value, known))
  end
  if newer then redis.call('HSET', own, key, value) end
end
local mark = redis.call('HGET', vv, ARGV[2])
local upto = mark and tonumber(string.sub(mark, 1, digits)) or 0
if tonumber(ARGV[3]) <= upto and tonumber(ARGV[4]) > upto then
  local digits_of = string.format('%0{NUMBER_DIGITS}.0f', tonumber(ARGV[4]))
  redis.call('HSET', vv, ARGV[2], digits_of .. ARGV[5])
  if redis.call('RPUSH', trail, ARGV[5]) > {TRAIL_MAX} then
    redis.call('LTRIM', trail, -{TRAIL_MAX}, -1)
  end
end
local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
local added = redis.call('XADD', log, 'MAXLEN', '~', ARGV[8], '*', 'p', ARGV[6], 'm', ARGV[7])
if leaks then redis.call('XTRIM', log, 'MAXLEN', 0) end
return {{last[1] and last[1][1] or '{START}', added}}
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, tuple[int, int]]).decode


class RedisHub:
    """One namespace on a Redis; open it with `redis_hub`."""

    def __init__(self, calling: "Redis", waiting: "Redis", namespace: str) -> None:
        # Their stubs allow for each protocol and for decoded text at once.
        self._redis: Any = calling
        self._waiting: Any = waiting
        self._prefix = f"tm:{{{namespace}}}:"
        self._merge = calling.register_script(MERGE)

    def _key(self, name: str) -> str:
        return self._prefix + name

    async def open(self) -> Opened:
        """Say epoch and marks."""
        async with _answers(), self._redis.pipeline(transaction=True) as asked:
            asked.set(self._key("epoch"), secrets.token_hex(6), nx=True)
            asked.get(self._key("epoch"))
            asked.hgetall(self._key("vv"))
            _, epoch, marks = await asked.execute()
        return Opened(epoch.decode(), {name.decode(): _mark(told) for name, told in marks.items()})

    async def push(self, epoch: str, sealed: Sealed) -> Appended:
        """Merge slots and append to the log, in one script."""
        own, trail = f"s:{sealed.actor}", f"t:{sealed.actor}"
        keys = [self._key(name) for name in ("epoch", "vv", own, "log", "tomb", "actors", trail)]
        arguments: list[Any] = [
            epoch, sealed.actor, sealed.start, sealed.end, sealed.tag, sealed.raw, sealed.mac,
            LOG_MAX, self._key("s:"), int(sealed.expects is not None), sealed.expects or b"",
            b"".join([LENGTHS % (len(slot.key), len(value)) + slot.key + value
                      for slot, value in sealed.slots]),
        ]  # fmt: skip
        async with _answers():
            before, cursor = await self._merge(keys=keys, args=arguments)
        return Appended(before.decode(), cursor.decode())

    async def read(self, cursor: str) -> Log:
        """Return what the Stream has after the cursor."""
        start = f"({cursor}" if cursor != START else "-"
        async with _answers():
            found = await self._redis.xrange(self._key("log"), min=start, count=READ_MAX)
        return _log(cursor, found)

    async def wait(self, cursor: str, seconds: float) -> Log:
        """Wait for the Stream to grow."""
        async with _answers():
            found = await self._waiting.xread(
                {self._key("log"): cursor}, count=READ_MAX, block=max(1, int(seconds * 1_000))
            )
        return _log(cursor, found[0][1] if found else ())

    async def page(self, actor: str, cursor: int) -> Page:
        """Return some of an actor's slots; HSCAN gives those that stay at least once."""
        async with _answers():
            after, found = await self._redis.hscan(
                self._key(f"s:{actor}"), cursor, count=PAGE_SLOTS
            )
        return Page(int(after), list(found.items()))

    async def trail(self, actor: str) -> Sequence[bytes]:
        """Return the tags that an actor's mark has had."""
        async with _answers():
            found: list[bytes] = await self._redis.lrange(self._key(f"t:{actor}"), 0, -1)
        return found

    async def tell(self, actor: str, digests: Digests) -> None:
        """Keep what an instance says that it holds."""
        async with _answers():
            await self._redis.hset(self._key("dg"), actor, _encode(dict(digests)))

    async def told(self) -> Mapping[str, Digests]:
        """Return what each instance has said; rubbish counts as nothing."""
        async with _answers():
            found = await self._redis.hgetall(self._key("dg"))
        return {
            name.decode("utf-8", "replace"): _digests(told)
            for name, told in list(found.items())[:TOLD_MAX]
        }

    async def recent(self, cursor: str) -> Recent:
        """Return what the Stream has after the cursor, with the server's clock."""
        start = f"({cursor}" if cursor != START else "-"
        async with _answers(), self._redis.pipeline(transaction=False) as asked:
            asked.time()
            asked.xrange(self._key("log"), min=start, count=READ_MAX)
            (seconds, micros), found = await asked.execute()
        entries = [
            (int(at.partition(b"-")[0]) / 1_000, told.get(b"p", b""), told.get(b"m", b""))
            for at, told in found
        ]
        return Recent(seconds + micros / 1e6, entries)

    async def figures(self) -> dict[str, str]:
        """Return what a person wants to know of the server: version, policy, memory, bytes here."""
        async with _answers():
            server, memory = await self._redis.info("server"), await self._redis.info("memory")
        return {
            "version": str(server.get("redis_version", "?")),
            "policy": str(memory.get("maxmemory_policy", "?")),
            "memory": str(memory.get("used_memory_human", "?")),
        }


def _log(cursor: str, found: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> Log:
    entries = [(told.get(b"p", b""), told.get(b"m", b"")) for _, told in found]
    return Log(found[-1][0].decode() if found else cursor, entries)


def _mark(told: bytes) -> Mark:
    digits, tag = told[:NUMBER_DIGITS], told[NUMBER_DIGITS:]
    return Mark(int(digits) if digits.isdigit() else 0, tag)


def _digests(told: bytes) -> Digests:
    if len(told) > DIGESTS_BYTES_MAX:
        return {}
    try:
        return _decode(told)
    except UNREADABLE:
        return {}


@asynccontextmanager
async def _answers() -> AsyncIterator[None]:
    """Turn whatever Redis cannot do into what the replicator knows."""
    from redis.exceptions import RedisError, ResponseError  # noqa: PLC0415 - loaded by now

    try:
        yield
    except ResponseError as error:
        if STALE in str(error):
            raise StaleEpoch from error
        if OTHER in str(error):
            raise OtherMark from error
        raise HubAway(str(error)) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise HubAway(str(error) or type(error).__name__) from error


@asynccontextmanager
async def redis_hub(url: str, namespace: str, *, wait_seconds: float) -> AsyncIterator[RedisHub]:
    """Give the hub of a namespace on the Redis of that URL; nothing is asked of it yet.

    Raises:
        HubAway: The URL cannot be used.
    """
    from redis.asyncio import Redis  # noqa: PLC0415 - only who shares needs it

    try:
        calling: Redis = Redis.from_url(url, **_options(ANSWER_SECONDS_MAX))
        waiting: Redis = Redis.from_url(url, **_options(wait_seconds + WAIT_SECONDS_MORE))
    except ValueError as error:
        raise HubAway("TMWS_REDIS_URL is no redis:// or rediss:// URL") from error
    try:
        yield RedisHub(calling, waiting, namespace)
    finally:
        with anyio.move_on_after(CONNECT_SECONDS_MAX, shield=True):
            await waiting.aclose()
            await calling.aclose()


def _options(seconds: float) -> dict[str, Any]:
    from redis.asyncio.retry import Retry  # noqa: PLC0415 - see redis_hub
    from redis.backoff import NoBackoff  # noqa: PLC0415 - see redis_hub

    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": CONNECT_SECONDS_MAX,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": HEALTH_SECONDS,
        "protocol": 2,  # one form of answers, whatever the library's version prefers
        "max_connections": 4,
        "client_name": "tmws-mcp",
    }


def acl_rules(namespace: str, user: str) -> Sequence[str]:
    """Return the commands that make a Redis user who may do just what this hub does."""
    keys = f"~tm:{{{namespace}}}:*"
    calls = (
        *("ping", "time", "hello", "auth", "client|setname", "info", "multi", "exec"),
        *("set", "get", "hget", "hset", "hgetall", "hscan", "sadd", "smembers", "xadd", "xrange"),
        *("rpush", "ltrim", "lrange"),
        *(
            "xread",
            "xrevrange",
            "xtrim",
            "evalsha",
            "eval",
            "script|load",
            "script|exists",
            "select",
        ),
    )
    allowed = " ".join(f"+{name}" for name in calls)
    return (f"ACL SETUSER {user} on >PASSWORD resetkeys {keys} resetchannels -@all {allowed}",)
