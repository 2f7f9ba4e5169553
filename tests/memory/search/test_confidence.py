"""Whether an answer is empty when nothing is relevant, and what its scores say."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.memory.notebook import Notebook
from tmws_mcp.model import RecallReply

pytestmark = pytest.mark.anyio

QUESTIONS = json.loads((Path(__file__).parent / "demo_questions.json").read_text("utf-8"))
NOTES = Path(__file__).parents[3] / "tmws_mcp" / "cli" / "demo_data" / "notes.jsonl"


@pytest.fixture
async def demo(notes: Notebook) -> Notebook:
    for line in NOTES.read_text("utf-8").splitlines():
        await notes.remember(json.loads(line)["content"])
    return notes


def score(reply: RecallReply) -> float:
    return reply.memories[0].score or 0.0 if reply.memories else 0.0


async def test_notes_that_stand_alone_tell_questions_from_strangers(demo: Notebook) -> None:
    known = [score(await demo.recall(query)) for query in QUESTIONS["answerable"]]
    strange = [score(await demo.recall(query)) for query in QUESTIONS["unanswerable"]]

    assert min(known) > 0
    assert sum(not one for one in strange) >= 0.3 * len(strange)
    pairs = [one > other for one in known for other in strange]
    assert sum(pairs) >= 0.97 * len(pairs)


async def test_without_vectors_no_question_with_an_answer_is_left_empty(demo: Notebook) -> None:
    lexical = demo.without_vectors()

    assert all([score(await lexical.recall(query)) for query in QUESTIONS["answerable"]])


async def test_meaning_alone_answers_in_a_small_store(notes: Notebook) -> None:
    """The nearest of a thousand notes is near by chance; the nearer one of two is not."""
    fact = "TKT-00123: the staging database password rotates every month"
    await notes.remember(fact)
    await notes.remember("Lunch is at noon")
    question = "how often do credentials change"
    alone = score(await notes.recall(question))
    for number in range(300):
        await notes.remember(f"Lunch number {number} was soup")

    among_many = score(await notes.recall(question))

    assert alone > among_many


async def test_the_best_has_the_confidence_and_scores_never_rise(demo: Notebook) -> None:
    for query in QUESTIONS["answerable"][:10]:
        scores = [memory.score or 0.0 for memory in (await demo.recall(query)).memories]
        assert scores == sorted(scores, reverse=True)
        assert all(0.0 <= one <= 1.0 for one in scores)


async def test_what_differs_in_digits_is_never_folded(notes: Notebook) -> None:
    for port in (8080, 8081):
        await notes.remember(f"The port of the staging server of the billing team is {port}")
    await notes.remember("The staging server of the billing team is slow")

    found = await notes.found("port of the staging server of the billing team", limit=3)

    assert {one[-4:] for one in found[:2]} == {"8080", "8081"}


async def test_a_date_counts_where_nothing_says_it(notes: Notebook) -> None:
    when = datetime(2022, 7, 12, tzinfo=UTC)
    await notes.remember("The mountains were lovely, and we all went swimming", occurred_at=when)
    lexical = notes.without_vectors()

    of_that_time = score(await lexical.recall("where did Joanna swim in July 2022"))
    of_another = score(await lexical.recall("where did Joanna swim in March 2020"))

    assert of_that_time > of_another
