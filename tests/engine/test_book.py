"""Pattern files change under a running engine; their versions are kept, restored and compared."""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from tmws_mcp.engine import Engine, open_engine
from tmws_mcp.engine.book import Book
from tmws_mcp.errors import InvalidInput, NotFound, NothingRan, PatternFileError
from tmws_mcp.patterns.catalog import load_catalog
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.patterns.semantic.stage import Stage
from tmws_mcp.settings import Settings

pytestmark = pytest.mark.anyio

SUM = """\
id: infrastructure.sum
route: infrastructure
summary: Sum
triggers: {exact: [the sum]}
examples: {match: [the sum]}
steps: [{name: sum, action: calculate.value, with: {expression: "WHAT"}}]
"""


class Desk:
    """A folder of patterns, and an engine that reads it with a clock that the test moves."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.ticks = 0.0
        engine._books._ticks = lambda: self.ticks

    def write(self, what: str, name: str = "sum", text: str = SUM) -> None:
        place = self.folder / "infrastructure" / f"{name}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace("WHAT", what))

    async def ask(self, query: str = "the sum") -> object:
        """Ask a second later."""
        self.ticks += 1.1
        return (await self.engine.pattern_execute({"query": query})).result["sum"]["value"]

    async def noted(self) -> list[str]:
        """Return the versions, the latest first."""
        return [one.version for one in await self.engine.versions.history("infrastructure.sum")]


@pytest.fixture
async def desk(settings: Settings, tmp_path: Path) -> AsyncIterator[Desk]:
    folder = tmp_path / "mine"
    (folder / "infrastructure").mkdir(parents=True)
    (folder / "infrastructure" / "sum.yaml").write_text(SUM.replace("WHAT", "1+1"))
    chosen = settings.model_copy(update={"pattern_dirs": (folder,), "embedder": "none"})
    times = iter(range(1_000_000, 9_000_000))
    with anyio.fail_after(60):
        async with open_engine(chosen) as engine:
            engine._books._clock = lambda: float(next(times))
            await engine.store_memory({"content": "the namespace is there"})
            yield Desk(engine, folder)


async def test_a_changed_file_is_seen_without_a_restart(desk: Desk) -> None:
    assert await desk.ask() == 2
    desk.write("2+2")
    assert await desk.ask() == 4

    desk.write("3+3", "other", SUM.replace("sum\n", "other\n").replace("the sum", "the other"))
    assert await desk.ask("the other") == 6
    (desk.folder / "infrastructure" / "other.yaml").unlink()
    desk.ticks += 1.1
    assert "infrastructure.other" not in [pattern.id for pattern in await desk.engine.patterns()]


async def test_files_are_looked_at_once_a_second_at_most(desk: Desk) -> None:
    assert await desk.ask() == 2
    desk.write("2+2")
    reply = await desk.engine.pattern_execute({"query": "the sum"})

    assert reply.result["sum"]["value"] == 2
    assert await desk.ask() == 4


async def test_a_broken_edit_keeps_the_version_of_before_and_says_so(desk: Desk) -> None:
    assert await desk.ask() == 2
    desk.write("1+1", text="id: infrastructure.sum\nroute: [")

    assert await desk.ask() == 2
    (problem,) = (await desk.engine.status()).problems
    assert "sum.yaml" in problem
    assert "version of before" in problem

    desk.write("5+5")
    assert await desk.ask() == 10
    assert (await desk.engine.status()).problems == ()


async def test_versions_are_kept_and_one_is_restored(desk: Desk) -> None:
    assert await desk.ask() == 2
    (first,) = await desk.noted()
    desk.write("2+2")
    assert await desk.ask() == 4
    second, again = await desk.noted()
    assert again == first

    path = await desk.engine.versions.restore("infrastructure.sum", first[:6])

    assert path == desk.folder / "infrastructure" / "sum.yaml"
    assert await desk.ask() == 2
    assert await desk.noted() == [first, second]
    await desk.engine.versions.restore("infrastructure.sum", second)
    assert await desk.ask() == 4


async def test_no_more_than_twenty_versions_are_kept(desk: Desk) -> None:
    for number in range(25):
        desk.write(f"{number}+0")
        assert await desk.ask() == number
        await desk.engine._books.note()

    assert len(await desk.noted()) == 20


async def test_a_shipped_pattern_is_restored_into_a_folder_of_ones_own(desk: Desk) -> None:
    await desk.ask()
    (only,) = await desk.engine.versions.history("infrastructure.health")

    path = await desk.engine.versions.restore("infrastructure.health", only.version)

    assert path == desk.folder / "infrastructure" / "health.yaml"
    assert (await desk.engine.pattern_execute({"query": "health"})).pattern


async def test_a_version_that_is_not_there_is_named(desk: Desk) -> None:
    await desk.ask()
    with pytest.raises(NotFound, match=r"There are [0-9a-f]{12}"):
        await desk.engine.versions.restore("infrastructure.sum", "ffffffff")
    with pytest.raises(NotFound, match="patterns list"):
        await desk.engine.versions.history("infrastructure.none")


QUERIES = [f"the sum number {n}" for n in range(60)]
MANY = SUM.replace("triggers: {exact: [the sum]}", "triggers: {regex: ['^the sum']}")


async def in_trial(desk: Desk) -> tuple[str, str]:
    """Begin a trial between a version that works and one that divides by zero."""
    desk.write("1+1", text=MANY)
    await desk.ask()
    good = (await desk.noted())[0]
    desk.write("1/0", text=MANY)
    desk.ticks += 1.1
    await desk.engine.patterns()
    bad = (await desk.noted())[0]
    await desk.engine.versions.start_trial("infrastructure.sum", good, bad)
    return good, bad


async def failed(desk: Desk, query: str) -> bool:
    try:
        await desk.ask(query)
    except NothingRan:
        return True
    return False


async def test_two_versions_share_the_queries_and_the_better_one_is_named(desk: Desk) -> None:
    good, bad = await in_trial(desk)

    outcomes = [await failed(desk, query) for query in QUERIES]
    again = [await failed(desk, query) for query in QUERIES[:10]]
    compared = await desk.engine.versions.compare("infrastructure.sum")

    assert 15 < sum(outcomes) < 45
    assert again == outcomes[:10], "a query goes to the same version each time"
    assert compared.one.name == f"infrastructure.sum@{good}"
    assert compared.better > 0.99
    assert f"infrastructure.sum@{good} works more often" in compared.verdict

    await desk.engine.versions.stop_trial("infrastructure.sum", adopt=good)
    assert not any([await failed(desk, query) for query in QUERIES[:20]])
    assert await desk.engine.versions.trial("infrastructure.sum") is None
    assert bad in await desk.noted()


async def test_a_trial_can_be_stopped_without_a_choice(desk: Desk) -> None:
    await in_trial(desk)
    await desk.engine.versions.stop_trial("infrastructure.sum")

    assert all([await failed(desk, query) for query in QUERIES[:10]]), "the file serves"
    with pytest.raises(NotFound, match="patterns ab"):
        await desk.engine.versions.stop_trial("infrastructure.sum")


async def test_a_trial_is_seen_by_an_engine_that_was_open_before(desk: Desk) -> None:
    good, bad = await in_trial(desk)
    await desk.engine.versions.stop_trial("infrastructure.sum", adopt=good)
    async with open_engine(desk.engine.settings) as other:
        await other.versions.start_trial("infrastructure.sum", good, bad, share=0.9)

    outcomes = [await failed(desk, query) for query in QUERIES[:20]]

    assert sum(outcomes) > 10


async def test_a_trial_needs_two_versions(desk: Desk) -> None:
    await desk.ask()
    (only,) = await desk.noted()
    with pytest.raises(InvalidInput, match="two versions"):
        await desk.engine.versions.start_trial("infrastructure.sum", only, only)


PYTHON = {
    "id": "infrastructure.greeting",
    "route": "infrastructure",
    "summary": "Greet",
    "arguments": {"name": {}},
    "triggers": {"regex": [r"^greet (?P<name>\w+)$"]},
    "steps": [{"name": "said", "action": "greet", "with": {"name": "{name}"}}],
}


def greet(name: str) -> dict[str, str]:
    """Greet somebody."""
    return {"greeting": f"Hello {name}"}


async def greet_later(name: str) -> str:
    await anyio.lowlevel.checkpoint()
    return f"Hello {name}"


@pytest.mark.parametrize(
    ("function", "said"), [(greet, {"greeting": "Hello Ada"}), (greet_later, "Hello Ada")]
)
async def test_a_pattern_and_its_action_are_added_in_python(
    engine: Engine, function: Callable[..., object], said: object
) -> None:
    await engine.patterns()
    await engine.add_pattern(PYTHON, actions={"greet": function})

    reply = await engine.pattern_execute({"query": "greet Ada"})

    assert reply.pattern == "infrastructure.greeting"
    assert reply.result["said"] == said


def no_json(name: str) -> object:
    return {name}


async def refused(work: Callable[[], Awaitable[object]]) -> str:
    with pytest.raises((InvalidInput, PatternFileError, NothingRan)) as error:
        await work()
    return str(error.value)


async def test_what_cannot_be_added_is_said(engine: Engine) -> None:
    taken = await refused(lambda: engine.add_pattern(PYTHON, actions={"clock.now": greet}))
    name = await refused(lambda: engine.add_pattern(PYTHON, actions={"No Name": greet}))
    broken = await refused(lambda: engine.add_pattern({"id": "x"}))
    await engine.add_pattern(PYTHON, actions={"greet": no_json})
    value = await refused(lambda: engine.pattern_execute({"query": "greet Ada"}))

    assert "an action 'clock.now' already" in taken
    assert "one to three words" in name
    assert "added by the program" in broken
    assert "JSON cannot hold" in value


SEA = """\
id: memory.NAME
route: memory
summary: NAME
triggers: {exact: [NAME]}
examples:
  match: [NAME, how high are the waves, how rough is the sea, is the sea calm, any swell out there]
steps: [{name: found, recall: sea}]
"""


async def test_after_a_change_the_examples_of_before_match_until_those_are_learned(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "mine" / "memory"
    folder.mkdir(parents=True)
    (folder / "sea.yaml").write_text(SEA.replace("NAME", "sea"))
    (folder / "bread.yaml").write_text(BREAD)
    before = load_catalog([tmp_path / "mine"])
    (folder / "plain.yaml").write_text(PLAIN)
    after = load_catalog([tmp_path / "mine"])
    learned, learning = Matcher(before), Matcher(after)
    learned.learn()
    assert await anyio.to_thread.run_sync(learned.learned, 60)
    go_on = threading.Event()
    learning._stage = Stage(after.patterns, lambda _: go_on.wait(60) and None, None)

    book = Book(before, learned).next(after, learning)
    meant = await book.match("how rough are the waves out there")
    new = await book.match("the plain one")
    go_on.set()
    assert await anyio.to_thread.run_sync(learning.learned, 60)
    then = await book.match("how rough are the waves out there")

    assert (meant.pattern, meant.matched_by) == ("memory.sea", "semantic")
    assert (new.pattern, new.matched_by) == ("memory.plain", "exact")
    assert then.pattern == "memory.sea"
    assert book.next(after, learning).before.before is None


BREAD = """\
id: memory.bread
route: memory
summary: Bread
triggers: {exact: [bread]}
examples: {match: [bread, how do I bake a loaf, which flour is best, is the dough ready to bake]}
steps: [{name: found, recall: bread}]
"""
PLAIN = """\
id: memory.plain
route: memory
summary: Plain
triggers: {exact: [the plain one]}
examples: {match: [the plain one]}
steps: [{name: found, recall: plain}]
"""
