"""The scorer of recommendations measures what it says, on traces made up here."""

import hashlib
import json
import random
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks.learning import fit, modes, rows, table
from benchmarks.learning.baselines import KneserNey, Markov
from benchmarks.learning.measures import Ranking, likeness
from benchmarks.learning.modes import MODES
from benchmarks.learning.plot import SIZE, reliability_png
from benchmarks.learning.rows import Cell, Options
from benchmarks.learning.traces import Session, read, right_answers
from tests.benchmarks.made_up import traces
from tmws_mcp.learning.experts import EXPERTS


def test_sessions_come_in_the_same_shuffled_order(tmp_path: Path) -> None:
    path = traces(tmp_path)

    names = [session.name for session in read(path)]

    assert names == [session.name for session in read(path)]
    assert names[:5] == [session.name for session in read(path, limit=5)]


def test_the_held_out_tasks_are_the_odd_ones_by_their_whole_hash() -> None:
    for number in range(200):
        task = f"task {number}"
        whole = int(hashlib.sha1(f"unseen:{task}".encode()).hexdigest(), 16)

        assert Session("s", [{"task_id": task}]).is_held_out == (whole % 2 == 1)


def test_an_error_is_answered_by_the_first_success_within_five_steps() -> None:
    steps = [{"tool": f"t{n}", "ok": n in {0, 3}} for n in range(10)]
    session = Session("s", steps)

    assert right_answers(session, 1) == [("next", "t1")]
    assert right_answers(session, 2) == [("next", "t2"), ("recover", "t3")]
    assert right_answers(session, 5) == [("next", "t5")]


@pytest.mark.parametrize("mode", MODES)
def test_the_product_beats_chance_on_a_plain_file(tmp_path: Path, mode: str) -> None:
    figures = Cell(rows.product, traces(tmp_path), mode).scores().figures()

    assert figures["acc@1"] > 0.5
    assert figures["workflow"] > 0.4


def test_the_table_has_a_row_for_each_recommender_and_each_expert_left_out() -> None:
    names = list(rows.makers(Options(mcp=True, beside=("m:C",), without_each=True)))

    assert names[:5] == ["most frequent", "repeat last", "Markov", "Kneser-Ney", "m:C"]
    assert names[5:7] == ["tmws_mcp", "tmws_mcp over MCP"]
    assert names[7:] == [f"  without {name}" for name in EXPERTS]


def test_an_expert_left_out_answers_no_more(tmp_path: Path) -> None:
    path = traces(tmp_path)
    whole, without = (rows.product(name) for name in ("", "names"))
    try:
        for session in read(path)[:4]:
            for recommender in (whole, without):
                modes.observe_session(recommender, session)
        session = read(path)[4]
        asked = [one.ask(session, [], session.task, "next") for one in (whole, without)]
    finally:
        whole.close()
        without.close()

    assert asked[0] != asked[1]


def test_a_table_shows_means_over_the_files_that_have_a_figure(tmp_path: Path) -> None:
    make = rows.makers(Options())["Markov"]
    files = [traces(tmp_path, 6), traces(tmp_path, 1, name="short")]

    scores = [Cell(make, path, "online").scores() for path in files]
    short, whole = (one.figures()["acc@1"] for one in reversed(scores))

    assert f"{(short + whole) / 2:9.3f}" in table.table({"Markov": scores})
    first, second = table.each({"Markov": scores}, ["made_up", "short"])
    assert first.startswith("made_up: 20 steps, 2 errors, 6 workflows\n")
    assert f"{whole:9.3f}" in first
    assert f"{short:9.3f}" in second


def test_baselines_rank_what_followed() -> None:
    session = Session("s", [{"tool": tool, "ok": True} for tool in "abcabc"])
    for rule in (Markov(), KneserNey()):
        for number, step in enumerate(session.steps):
            rule.observe(session, session.steps[:number], step)

        assert rule.rank(session, session.steps[:1])[0][0] == "b"


def test_a_ranking_that_knows_itself_has_no_calibration_error() -> None:
    ranking = Ranking()
    for number in range(100):
        ranking.add([("a", 0.8), ("b", 0.2)], "a" if number % 5 else "b", succeeded=False)

    assert ranking.calibration_error == pytest.approx(0, abs=1e-9)
    assert ranking.answered_at(0.8) == 1.0
    assert ranking.answered_at(0.9) == 0.0


def test_the_error_by_chance_is_what_answers_that_know_themselves_show() -> None:
    draw, errors = random.Random(4), []
    for _ in range(200):
        ranking = Ranking()
        for _ in range(150):
            confidence = draw.random()
            right = "a" if draw.random() < confidence else "b"
            ranking.add([("a", confidence)], right, succeeded=False)
        errors.append(ranking.calibration_error)

    assert fmean(errors) == pytest.approx(ranking.calibration_chance, rel=0.1)


def test_likeness_counts_the_longest_common_subsequence() -> None:
    assert likeness("aabbc", "abc") == 1.0
    assert likeness("abd", "acd") == pytest.approx(2 / 3)
    assert likeness("", "a") == 0.0


def test_fitted_weights_follow_the_column_that_is_right(tmp_path: Path) -> None:
    examples = fit.sample(traces(tmp_path), random.Random(0))

    fit.write(fit.fitted([examples], random.Random(0)), tmp_path / "out.json")

    rows = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert set(rows["any"]) <= {column for expert in EXPERTS.values() for column in expert.columns}


def test_the_plot_is_a_png_of_its_size() -> None:
    image = reliability_png([[(10, 8.0, 7), (0, 0.0, 0)]])

    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(image[16:20], "big") == SIZE
