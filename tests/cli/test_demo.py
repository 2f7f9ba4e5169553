"""The demo tells its story against a real server process, and checks it."""

import json
import re

import pytest

from tmws_mcp.cli import demo_material, demo_story
from tmws_mcp.cli.demo_stage import Stage
from tmws_mcp.model import Interaction, StoreRequest

FOREIGN = re.compile(
    r"/(?:root|home|Users|work|usr|tmp/w)\b|\\Users\\|\w@\w+\.\w|https?://|\b\d+\.\d+\.\d+\.\d+\b"
)


@pytest.fixture(scope="module")
def steps() -> list:
    return [step for steps in demo_material.sessions().values() for step in steps]


def test_the_notes_are_enough_and_can_be_stored():
    notes = [StoreRequest.model_validate(note) for note in demo_material.notes()]

    assert len(notes) >= 60
    assert len({note.content for note in notes}) == len(notes)
    assert {note.kind for note in notes} == {"semantic", "episodic", "procedural"}
    assert all(note.tags and note.occurred_at and note.persona for note in notes)
    assert sum("decision" in note.tags for note in notes) >= 20


def test_the_steps_are_enough_with_failures_and_what_came_after_them(steps):
    for step in steps:
        Interaction.model_validate(step)
    failed = [step for step in steps if not step["success"]]

    assert len(steps) >= 150
    assert len(failed) >= 30
    assert all(step["error"] for step in failed)
    assert len({step["tool_used"] for step in steps}) >= 8


def test_each_session_numbers_its_steps_and_ends_once():
    for steps in demo_material.sessions().values():
        assert [step["step"] for step in steps] == list(range(1, len(steps) + 1))
        assert ["outcome" in step for step in steps] == [False] * (len(steps) - 1) + [True]


def test_what_ships_names_no_machine_and_nobody(steps):
    shipped = [json.dumps(record) for record in (*demo_material.notes(), *steps)]

    assert [line for line in shipped if FOREIGN.search(line)] == []


def test_the_paraphrase_shares_no_word_with_its_note():
    words = set(demo_story.PARAPHRASE.split())
    [note] = [
        note["content"].lower()
        for note in demo_material.notes()
        if note["content"].startswith(demo_story.PARAPHRASED)
    ]

    assert words & set(re.findall(r"\w+", note)) == set()


def test_the_story_comes_true_and_reports_it_as_json(tmws):
    result = tmws("demo", "--json")

    report = json.loads(result.stdout)
    broken = [
        promise["statement"]
        for scene in report["scenes"]
        for promise in scene["promises"]
        if not promise["kept"]
    ]
    assert broken == []
    assert result.exit_code == 0
    assert len(report["scenes"]) == len(demo_story.SCENES)
    tokens = report["tokens_estimated"]
    assert 0 < 4 * tokens["answers"] < tokens["full_history"]


def test_a_person_sees_calls_replies_costs_and_a_summary(tmws, monkeypatch):
    # Two scenes are enough: another test tells the whole story.
    monkeypatch.setattr("tmws_mcp.cli.demo.SCENES", demo_story.SCENES[:2])

    result = tmws("demo")

    assert result.exit_code == 0
    assert "> recall_memory(query='D-19')" in result.stdout
    assert "[ok] D-19 comes first" in result.stdout
    assert "the full history would be" in result.stdout
    assert "promises came true" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_a_terminal_sees_progress_and_colours(tmws, monkeypatch):
    monkeypatch.setattr("tmws_mcp.cli.demo.SCENES", demo_story.SCENES[:1])
    monkeypatch.setenv("FORCE_COLOR", "1")

    result = tmws("demo")

    assert result.exit_code == 0
    assert "storing note" in result.stdout
    assert "\x1b[" in result.stdout


def test_a_promise_that_does_not_come_true_fails_the_demo(tmws, monkeypatch):
    async def lie(stage: Stage) -> None:
        stage.expect("the moon is made of cheese", kept=False)

    async def ask_wrongly(stage: Stage) -> None:
        await stage.call("recall_memory", {"limt": 3})
        stage.say("never reached")

    scenes = (demo_story.Scene("A lie", lie), demo_story.Scene("A refusal", ask_wrongly))
    monkeypatch.setattr("tmws_mcp.cli.demo.SCENES", scenes)

    result = tmws("demo")

    assert result.exit_code == 1
    assert "[NO] the moon is made of cheese" in result.stdout
    assert "[NO] recall_memory is not refused" in result.stdout
    assert "never reached" not in result.stdout
    assert "0 of 2 promises came true" in result.stdout


def test_the_users_own_settings_stay_out_of_the_story(tmws, home, monkeypatch):
    monkeypatch.setattr("tmws_mcp.cli.demo.SCENES", demo_story.SCENES[:1])
    monkeypatch.setenv("TMWS_HTTP_PORT", "many")

    assert tmws("demo").exit_code == 0
    assert not home.exists()
