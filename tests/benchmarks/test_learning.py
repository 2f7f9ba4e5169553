"""The scorer of recommendations measures what it says, on traces made up here."""

import gzip
import json
import random
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks.learning import fit, score
from benchmarks.learning.baselines import KneserNey, Markov
from benchmarks.learning.measures import Ranking, likeness
from benchmarks.learning.plot import SIZE, reliability_png
from benchmarks.learning.traces import Session, read
from tmws_mcp.learning.experts import EXPERTS


def traces(folder: Path, sessions: int = 12) -> Path:
    draw = random.Random(1)
    path = folder / "made_up.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for number in range(sessions):
            kind = draw.choice(("mail", "file"))
            for place, verb in enumerate(("list", "read", "send")):
                step = {"s": f"s{number}", "tool": f"{kind}-{verb}", "ok": True}
                if not place:
                    about = f"{verb} the {kind} number {number}"
                    step |= {"ds": "made_up", "task_id": f"t{number}", "task": about}
                out.write(json.dumps(step) + "\n")
            out.write(json.dumps({"s": f"s{number}", "end": 1, "success": True}) + "\n")
    return path


def test_sessions_come_in_the_same_shuffled_order(tmp_path: Path) -> None:
    path = traces(tmp_path)

    names = [session.name for session in read(path)]

    assert names == [session.name for session in read(path)]
    assert names[:5] == [session.name for session in read(path, limit=5)]


@pytest.mark.parametrize("mode", score.MODES)
def test_the_product_beats_chance_on_a_plain_file(tmp_path: Path, mode: str) -> None:
    sessions = read(traces(tmp_path))

    figures = score.scored(score.makers(without_each=False)["tmws_mcp"], sessions, mode).figures()

    assert figures["acc@1"] > 0.5
    assert figures["workflow"] > 0.4


def test_the_table_has_a_row_for_each_recommender_and_each_expert_left_out() -> None:
    names = score.makers(without_each=True)

    assert list(names)[:5] == ["most frequent", "repeat last", "Markov", "Kneser-Ney", "tmws_mcp"]
    assert "  without names" in names


def test_both_options_run_to_a_row_each_for_two_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    files = [str(traces(tmp_path, 6)), str(traces(other, 6))]
    two = {name: EXPERTS[name] for name in ("ngram", "names")}
    monkeypatch.setattr(score, "EXPERTS", two)
    monkeypatch.setattr(
        "sys.argv", ["score", "--without-each", "--held-out", "--limit", "4", *files]
    )

    score.main()

    lines = capsys.readouterr().out.splitlines()
    for name in ("tmws_mcp", "  without ngram", "  without names", "  weights of other files"):
        assert sum(line.startswith(name) for line in lines) == len(score.MODES)


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
    assert set(rows["any"]) <= {
        column for expert in score.EXPERTS.values() for column in expert.columns
    }


def test_the_plot_is_a_png_of_its_size() -> None:
    image = reliability_png([[(10, 8.0, 7), (0, 0.0, 0)]])

    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(image[16:20], "big") == SIZE
