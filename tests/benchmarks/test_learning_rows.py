"""Rows beside the product in this process: a real server, other recommenders, other files."""

import importlib
import json
from pathlib import Path

import pytest

from benchmarks.learning import beside, rows, score, split
from benchmarks.learning.beside import BesideRecommender
from benchmarks.learning.rows import Cell, Options
from benchmarks.learning.traces import read
from tests.benchmarks.made_up import outsider, runs, traces


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr("sys.argv", ["learning", *map(str, arguments)])
    score.main()


def rows_of(printed: str) -> dict[str, list[str]]:
    """The rows with the same figures stand under each name in the order of the tables."""
    found: dict[str, list[str]] = {}
    for line in printed.splitlines():
        found.setdefault(line[:26].strip(), []).append(line[26:])
    return found


@pytest.mark.parametrize("mode", ["online", "unseen"])
def test_a_real_server_reaches_the_same_figures_to_the_last_digit(
    tmp_path: Path, mode: str
) -> None:
    path = traces(tmp_path, 8)

    here, there = (
        Cell(make, path, mode).scores().figures() for make in (rows.product, rows.over_mcp)
    )

    assert here == there
    assert here["acc@1"] > 0


def test_another_recommender_is_told_and_asked_in_its_own_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    name = outsider(tmp_path, "told_and_asked")
    path = traces(tmp_path, 1)

    scores = Cell(lambda: BesideRecommender(name), path, "online").scores()

    session, heard = read(path)[0], importlib.import_module("told_and_asked")
    about = {"s": session.name, "ds": "made_up", "task": session.task, "agent": None, "tools": None}
    events = [event for event in heard.EVENTS if "tool" in event]
    assert [event["i"] for event in events] == [0, 1, 2, 3]
    assert all(event.items() >= {**about, "turn": session.task}.items() for event in events)
    assert heard.EVENTS[-1] == {"s": session.name, "ds": "made_up", "end": 1, "success": True}
    kinds = [(asked["kind"], asked["n"]) for asked in heard.CONTEXTS]
    assert kinds == [
        ("workflow", 0), ("next", 0), ("next", 1), ("next", 2), ("recover", 2), ("next", 3)
    ]  # fmt: skip
    failed = heard.CONTEXTS[3]["steps"][-1]
    assert failed == {"tool": session.steps[1]["tool"], "ok": False, "args": None} | {
        "err": session.steps[1]["err"]
    }
    assert scores.next.n == 4
    assert len(scores.next.confidences) == 1  # it knows what followed the first step alone


def test_one_instance_that_has_all_sessions_is_the_product_online(tmp_path: Path) -> None:
    path = traces(tmp_path, 8)
    sessions = read(path)

    alone = Cell(rows.product, path, "online").scores().figures()

    assert split.scored(sessions, 1, None).figures() == alone
    assert split.scored(sessions, 2, None).figures() != alone


def test_a_class_that_is_not_there_is_refused_by_name() -> None:
    for name in (
        "nowhere:Class", "json:Nothing", "json", "",
        "json:JSONDecoder(1)", "json:JSONDecoder(strict=open)", "json:JSONDecoder(strict=True",
    ):  # fmt: skip
        with pytest.raises(ValueError, match="is no MODULE:CLASS"):
            beside.found(name)


def test_a_class_is_made_with_the_arguments_that_its_name_gives() -> None:
    decoder = beside.found("json:JSONDecoder(strict=False)")()

    assert isinstance(decoder, json.JSONDecoder)
    assert decoder.strict is False


def test_others_are_observed_first_but_nothing_of_the_file_itself(tmp_path: Path) -> None:
    own, other = traces(tmp_path), traces(tmp_path, name="other")
    options = Options(trained_elsewhere=True)

    table = rows.rows([own, other], "unseen", options)
    first, alone = table["  steps of other files"][0], table["  other files alone"][0]

    assert (first.path, first.others, first.others_only) == (own, (other,), False)
    assert (alone.path, alone.others, alone.others_only) == (own, (other,), True)
    assert "  other files alone" not in rows.rows([own, other], "online", options)
    # The other file has the same tools, so that what it taught is of use here.
    untaught = Cell(rows.product, own, "unseen", others_only=True).scores().figures()
    assert untaught["acc@1"] == 0.0
    assert alone.scores().figures()["acc@1"] > 0.3


def test_all_rows_are_the_same_however_many_processes_score_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    name = outsider(tmp_path, "in_one_table")
    files = [traces(tmp_path, 6), traces(tmp_path, 6, name="other")]
    asked = ("--held-out", "--trained-elsewhere", "--each", "--beside", name, *files)

    run(monkeypatch, "--jobs", 1, "--limit", 4, *asked)
    one = capsys.readouterr().out
    run(monkeypatch, "--jobs", 3, "--limit", 4, *asked)

    assert capsys.readouterr().out == one
    found = rows_of(one)
    for row in ("most frequent", name, "tmws_mcp", "weights of other files", "both of other files"):
        assert len(found[row]) == 2 * 3  # in both modes: two files, and the means
    assert len(found["other files alone"]) == 3


def test_variants_are_chosen_beside_who_knows_nothing_and_who_knows_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    name = outsider(tmp_path, "chooser")  # it takes the first by name, which is the bad one

    run(monkeypatch, "--jobs", 2, "--mcp", "--beside", name, "--variants", runs(tmp_path))

    found = {row: cells[0].split() for row, cells in rows_of(capsys.readouterr().out).items()}
    assert found["drawn"][:3] == ["0.000", "0.667", "3.667"]
    assert found["best for each task"][:3] == ["1.000", "1.000", "1.000"]
    assert found[name][:3] == ["-2.000", "0.000", "1.000"]
    assert float(found["tmws_mcp"][0]) > 0.8
    assert found["tmws_mcp over MCP"] == found["tmws_mcp"]


def test_what_cannot_be_scored_or_drawn_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "plot.png"
    for arguments, hint in (
        (("--mcp",), "--variants FILE"),
        (("--variants", "runs", "--plot", plot), "name a file"),
        (("--beside", "nowhere:Class", "--variants", "runs"), "is no MODULE:CLASS"),
    ):
        with pytest.raises(SystemExit):
            run(monkeypatch, *arguments)

        assert hint in capsys.readouterr().err.splitlines()[-1]


def test_a_plot_is_drawn_for_each_mode_of_the_weights_of_other_files_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [traces(tmp_path, 4), traces(tmp_path, 4, name="others")]

    run(monkeypatch, *files, "--jobs", 1, "--plot", tmp_path / "own.png")
    run(monkeypatch, *files, "--jobs", 1, "--held-out", "--plot", tmp_path / "held.png")

    drawn = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    modes = ("online", "unseen")
    assert set(drawn) == {f"{name}-{mode}.png" for name in ("own", "held") for mode in modes}
    assert all(data.startswith(b"\x89PNG") for data in drawn.values())
    assert drawn["own-online.png"] != drawn["held-online.png"]
    assert capsys.readouterr().out.startswith("online\n")
