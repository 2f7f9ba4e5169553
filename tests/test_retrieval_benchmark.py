"""The retrieval benchmark: its reading of the file, and its figures worked out by hand."""

import doctest
import gzip
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.retrieval import __main__ as command
from benchmarks.retrieval.baselines import full_text, fusion, grep
from benchmarks.retrieval.confidence import Judged, auroc, strangers
from benchmarks.retrieval.conversations import Conversation, load
from benchmarks.retrieval.metrics import outcome, summary, tokens_for

ROOT = Path(__file__).resolve().parent.parent


def said(number: str, speaker: str, text: str) -> dict[str, str]:
    return {"dia_id": number, "speaker": speaker, "text": text}


def raw(name: str, first: str, second: str) -> dict[str, object]:
    return {
        "sample_id": name,
        "conversation": {
            "speaker_a": first,
            "speaker_b": second,
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                said("D1:1", first, "I adopted a greyhound from the shelter."),
                said("D1:2", second, "Lovely! What is it called?"),
            ],
            "session_2_date_time": "9:00 am on 1 June, 2023",
            "session_2": [
                said("D2:1", second, "My sourdough won a prize at the fair."),
                said("D2:2", first, "Congratulations!") | {"blip_caption": "a loaf of bread"},
            ],
        },
        "qa": [
            {"question": f"Which dog did {first} adopt?", "category": 4, "evidence": ["D1:1"]},
            {"question": "What won, and what is on the picture?", "category": 1,
             "evidence": ["D2:1; D:2:2"]},
            {"question": "Who is that?", "category": 5, "evidence": ["D9:9"]},
        ],
    }  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "two.json.gz"
    both = [raw("one", "Ann", "Bob"), raw("two", "Cleo", "Dan")]
    file.write_bytes(gzip.compress(json.dumps(both).encode()))
    return file


@pytest.fixture
def conversation(path: Path) -> Conversation:
    return load(path)[0]


def test_the_file_is_read_with_pictures_dates_and_every_way_of_naming_evidence(
    conversation: Conversation,
) -> None:
    assert [turn.id for turn in conversation.turns] == ["D1:1", "D1:2", "D2:1", "D2:2"]
    assert conversation.turns[3].text == "Congratulations! [shares a loaf of bread]"
    assert conversation.turns[0].said_at is not None
    assert conversation.turns[0].said_at.isoformat() == "2023-05-08T13:56:00+00:00"
    assert [question.evidence for question in conversation.questions] == [
        {"D1:1"},
        {"D2:1", "D2:2"},
    ]


def test_an_order_is_worth_what_a_hand_works_out(conversation: Conversation) -> None:
    question = conversation.questions[1]
    tokens = {turn.id: turn.tokens for turn in conversation.turns}

    found = outcome(conversation, question, ["D1:1", "D2:1", "D2:1", "D1:2"])

    assert found.recall == (0.0, 0.5, 0.5)
    assert found.reciprocal_rank == 0.5
    assert found.ndcg == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert found.sessions == 1.0
    assert found.spent == (tokens["D1:1"] + tokens["D2:1"], math.inf)
    assert found.within(tokens["D1:1"]) == 0.0
    assert found.within(tokens["D1:1"] + tokens["D2:1"]) == 0.5


def test_tokens_for_a_share_are_over_all_questions(conversation: Conversation) -> None:
    dog, bread = conversation.questions
    sizes = [turn.tokens for turn in conversation.turns]
    outcomes = [
        outcome(conversation, dog, ["D1:1"]),
        outcome(conversation, bread, ["D1:1", "D2:1"]),
    ]

    assert tokens_for(outcomes, 0.5) == sizes[0]
    assert tokens_for(outcomes, 0.75) == sizes[0] + sizes[2]
    assert tokens_for(outcomes, 0.8) == math.inf
    assert summary(outcomes)["recall@1"] == 0.5
    assert summary(outcomes)["multi-hop@10"] == 0.5


@pytest.mark.parametrize("make", [full_text, fusion, grep])
def test_each_baseline_finds_a_turn_by_its_words(make, conversation: Conversation) -> None:
    assert make(conversation)("who adopted a greyhound")[0] == "D1:1"


def test_a_stranger_s_question_names_the_people_at_hand(path: Path) -> None:
    one, two = load(path)

    assert strangers(one, two) == ["Which dog did Ann adopt?"]


def test_auroc_counts_pairs_in_order_and_ties_by_half() -> None:
    found = [Judged(True, 0.9), Judged(True, 0.4), Judged(False, 0.4), Judged(False, 0.0)]

    assert auroc(found) == pytest.approx(3.5 / 4)


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(command).failed == 0


def test_the_command_prints_all_tables_on_a_tiny_file(path: Path) -> None:
    options = ("--leave-out", "--budget", "--confidence", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.retrieval", str(path), *options],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip

    figures = json.loads(done.stdout)
    assert figures["4 questions about 2 conversations"]["tmws_mcp"]["recall@10"] == 1.0
    assert "without meaning" in figures["one signal left out, before any floor"]
    assert figures["evidence in replies of a token budget"]["token_budget=500"]["evidence"] == 1.0
    assert 0 <= figures["the best score of an answer"]["tmws_mcp"]["AUROC"] <= 1
