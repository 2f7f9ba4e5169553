"""How examples are learned: when, how exactly, and what is kept of it in files."""

import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.patterns.semantic.world import SECONDS_MAX, learned
from tmws_mcp.embedding.static import shipped as embedder
from tmws_mcp.patterns.catalog import Catalog, load_catalog
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.patterns.semantic import saved, stage, training
from tmws_mcp.patterns.semantic.examples import digest, examples_of
from tmws_mcp.patterns.semantic.features import learn_reader
from tmws_mcp.patterns.semantic.inverse import WHOLE_MAX, inverse_of
from tmws_mcp.patterns.semantic.kernel import lay_out, nearness
from tmws_mcp.patterns.semantic.stage import LEARNING, Stage


def test_who_asks_before_all_is_learned_is_told_so(pattern, folder: Path) -> None:
    pattern(no_match="zebra")
    catalog, go_on = load_catalog([folder]), threading.Event()

    def owner(_query: str) -> None:
        go_on.wait(5)

    stage = Stage(catalog.patterns, owner, None)

    assert not stage.wait(0)
    assert stage.problem == LEARNING
    go_on.set()
    assert stage.wait(SECONDS_MAX)
    assert stage.problem == ""


def test_scores_of_what_is_left_out_are_those_of_a_model_without_it(shipped: Catalog) -> None:
    _, every = examples_of(shipped.patterns, lambda _query: None)
    chosen = np.arange(0, len(every.texts), 7)
    near, labels = _near([every.texts[place] for place in chosen]), every.labels[chosen]
    whole = training.solve(near, labels, every.patterns)

    for group in (np.array([40]), np.flatnonzero(labels == 2)):
        others = np.setdiff1d(np.arange(len(labels)), group)
        without = training.solve(near[np.ix_(others, others)], labels[others], every.patterns)
        # A pattern's weight depends on the counts of the others: the same as before is asked for.
        expected = near[np.ix_(group, others)] @ without.weights
        assert np.abs(training.left_out(whole, group) - expected).max() < 0.02


def _near(texts: list[str]) -> np.ndarray:
    reader = learn_reader(embedder(), texts)
    read = reader.read(texts)
    return nearness(lay_out(read, len(reader.keys)).alike(read))


@pytest.mark.parametrize("rows", [3, WHOLE_MAX, 2 * WHOLE_MAX + 1])
def test_an_inverse_by_halves_is_the_inverse(rows: int) -> None:
    drawn = np.random.default_rng(1).normal(size=(rows, rows)).astype(np.float32)
    matrix = drawn @ drawn.T / rows + np.eye(rows, dtype=np.float32)

    assert np.abs(inverse_of(matrix) @ matrix - np.eye(rows)).max() < 1e-4


def test_nothing_is_learned_until_a_query_needs_the_examples(shipped: Catalog) -> None:
    matcher = Matcher(shipped)
    matcher.learn()

    assert matcher.match("git status").matched_by == "exact"
    assert matcher.match("remember that the port is 8931").matched_by == "regex"
    assert matcher.match("git status").final
    assert not _has_begun(matcher)
    assert not matcher.match("let me know which rules we follow when naming tests").final
    assert _has_begun(matcher)
    assert matcher.learned(SECONDS_MAX)
    assert matcher.match("let me know which rules we follow when naming tests").final


def _has_begun(matcher: Matcher) -> bool:
    """Look at this matcher alone: another test's may still be learning in this process."""
    assert matcher._stage is not None
    return matcher._stage._thread is not None


def test_more_examples_than_landmarks_still_lead_right(monkeypatch, shipped: Catalog) -> None:
    monkeypatch.setattr(training, "LANDMARKS_MAX", 2_500)
    matcher = learned(shipped)
    examples = [(p.id, query) for p in shipped.patterns.values() for query in p.examples.match]
    guesses = [(name, matcher.guess(query)) for name, query in examples]

    assert matcher.model is not None
    assert 2_400 < len(matcher.model.landmarks) <= 2_500
    right = sum(guess is not None and guess.ranked[0][0] == name for name, guess in guesses)
    assert right > 0.7 * len(examples)


def test_a_saved_model_answers_as_the_one_that_was_learned(
    shipped: Catalog, of_shipped: Matcher, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "cache"
    query = "anything I have not committed in this repo"
    first = learned(shipped, folder).match(query)
    (file,) = folder.glob("*.npz")
    written = file.stat().st_ino

    again = learned(shipped, folder)
    other = of_shipped.match(query)  # learned apart: its last digits may be other ones
    assert again.match(query) == first
    assert (other.pattern, other.confidence) == (
        first.pattern,
        pytest.approx(first.confidence, abs=0.01),
    )
    assert file.stat().st_ino == written
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("bytes_kept", [0, 1_000])
def test_a_broken_file_is_made_anew(pattern, folder, tmp_path: Path, bytes_kept: int) -> None:
    pattern()
    catalog, cache = load_catalog([folder]), tmp_path / "cache"
    learned(catalog, cache)
    (file,) = cache.glob("*.npz")
    whole = file.read_bytes()
    file.write_bytes(whole[:bytes_kept])
    stage._recent.clear()  # as in another process

    assert learned(catalog, cache).match("is the deployment done yet").pattern == "memory.deploy"
    assert len(file.read_bytes()) == len(whole)


def test_only_the_latest_models_are_kept(pattern, folder: Path, tmp_path: Path) -> None:
    for number in range(saved.FILES_MAX + 2):
        pattern(match=f"is deployment {number} done, how far is deployment {number}")
        learned(load_catalog([folder]), tmp_path)

    assert len(list(tmp_path.glob("*.npz"))) == saved.FILES_MAX


def test_a_folder_that_cannot_be_written_hinders_nothing(pattern, folder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    pattern()
    matcher = learned(load_catalog([folder]), tmp_path / "file" / "cache")

    assert matcher.match("is the deployment done yet").pattern == "memory.deploy"


def test_only_examples_decide_what_is_learned_anew(pattern, folder: Path) -> None:
    pattern()
    one = _digest(load_catalog([folder]))
    pattern(steps='{name: b, recall: "other"}')
    assert _digest(load_catalog([folder])) == one
    pattern(match="is it done")
    assert _digest(load_catalog([folder])) != one


def _digest(catalog: Catalog) -> str:
    return digest(*examples_of(catalog.patterns, lambda _query: None))
