"""A filter stands before the limit, wherever candidates come from."""

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.memory.search import candidates

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("sketched_from", [1, 10_000])
async def test_a_narrow_filter_does_not_starve_the_result(
    notes: Notebook, monkeypatch: pytest.MonkeyPatch, sketched_from: int
) -> None:
    for name, bound in (("BY_WORDS_MAX", 5), ("SLACK", 5), ("MEASURED_MAX", 5)):
        monkeypatch.setattr(candidates, name, bound)
    monkeypatch.setattr(candidates, "SKETCHED_FROM", sketched_from)
    for number in range(40):
        await notes.remember(f"The port of the gateway is {number}.")
    wanted = "It was long ago that somebody mentioned the port of the gateway in passing."
    await notes.remember(wanted, tags=["rare"])

    assert await notes.found("port of the gateway", tags=["rare"]) == [wanted]


async def test_what_is_forgotten_takes_no_place_among_the_best(
    notes: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "BY_WORDS_MAX", 3)
    monkeypatch.setattr(candidates, "SLACK", 3)
    lesser = "A port was mentioned somewhere among a good many other words in this one."
    await notes.remember(lesser)
    ids = [(await notes.remember(f"port port port {n}")).id for n in range(12)]

    await notes.forget(*ids)

    assert await notes.without_vectors().found("port") == [lesser]


async def test_who_holds_the_whole_path_comes_before_who_has_the_file_of_that_name(
    notes: Notebook,
) -> None:
    await notes.remember("A note of long ago: src/player/check_queue.py is slow, they say.")
    for other in ("index", "mailer", "gateway"):
        await notes.remember(f"In src/{other}/check_queue.py:48 the player checks its queue.")

    found = await notes.found("src/player/check_queue.py")

    assert found[0].startswith("A note of long ago")
    assert len(found) == 4
