"""What is learned of examples: which pattern is meant, how surely, and when none is."""

import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from tmws_mcp.embedding.static import shipped as embedder
from tmws_mcp.patterns import matcher as matching
from tmws_mcp.patterns.catalog import Catalog, load_catalog
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.patterns.semantic import saved, stage, training
from tmws_mcp.patterns.semantic.examples import digest, examples_of
from tmws_mcp.patterns.semantic.features import learn_reader
from tmws_mcp.patterns.semantic.inverse import WHOLE_MAX, inverse_of
from tmws_mcp.patterns.semantic.kernel import lay_out, nearness
from tmws_mcp.patterns.semantic.stage import LEARNING, Stage

SECONDS_MAX = 120.0


@pytest.fixture(autouse=True)
def _nothing_at_hand() -> None:
    """Let each test learn by itself: some change how it is done."""
    stage._recent.clear()


TEXT = """
    id: {id}
    route: {route}
    summary: x
    triggers: {{exact: [do {name}]}}
    examples: {{match: [{match}], no_match: [{no_match}]}}
    arguments: {arguments}
    steps: [{steps}]
"""
BROAD = """
    id: memory.{name}
    route: memory
    summary: x
    triggers: {{regex: ['{regex}']}}
    examples: {{match: [{match}]}}
    steps: [{{name: a, recall: "{{query}}"}}]
"""
PEOPLE = (
    "who is our contact at the bank, who looks after the servers, who is Maria from the design "
    "team, who is the customer in Lyon, who is our contact at the agency"
)
DEPLOY = (
    "is the deployment done, did the rollout to production finish, how far is the deployment, "
    "has the release been rolled out, is the new build live on the servers"
)

CHANGED = (
    "who changed src/app.py lately, latest changes of lib/x/y.js, history of a file, "
    "who changed docs/a.md, who changed a file lately, who changed tests/b.sh lately, "
    "who changed docs/guides/c.md lately and the last 3"
)
WHERE = (
    "where is load_user, where is the text 'x', where is the class UserService, where is parse_x, "
    "where is the UserService now, where is the text 'no such thing' in it"
)


@pytest.fixture
def pattern(write):
    """Write a pattern that is found by its examples."""

    def write_pattern(
        name: str = "memory.deploy",
        match: str = DEPLOY,
        *,
        no_match: str = "",
        arguments: str = "{}",
        steps: str = '{name: a, recall: "{query}"}',
    ) -> None:
        route, _, last = name.partition(".")
        given = {"match": match, "no_match": no_match, "arguments": arguments, "steps": steps}
        write(name, TEXT.format(id=name, route=route, name=last, **given))

    return write_pattern


def learned(catalog: Catalog, folder: Path | None = None) -> Matcher:
    matcher = Matcher(catalog)
    matcher.learn(folder)
    assert matcher.learned(SECONDS_MAX)
    return matcher


@pytest.fixture(scope="module")
def of_shipped(shipped: Catalog) -> Matcher:
    return learned(shipped)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("anything I have not committed in this repo", "infrastructure.workspace"),
        ("let me know which rules we follow when naming tests", "memory.conventions"),
    ],
)
def test_a_paraphrase_leads_where_its_examples_lead(
    of_shipped: Matcher, query: str, expected: str
) -> None:
    match = of_shipped.match(query)

    assert (match.pattern, match.matched_by) == (expected, "semantic")
    assert 0.3 <= match.confidence < 1
    assert "nearest example" in match.why


@pytest.mark.parametrize(
    "query",
    [
        "compose a haiku about mountains",
        "what is the population of chile",
        "my shoes are wet",
        "zebra",
        "",
        "日本の首都はどこですか",
    ],
)
def test_what_no_pattern_is_for_is_left_alone(of_shipped: Matcher, query: str) -> None:
    match = of_shipped.match(query)

    assert (match.pattern, match.matched_by, match.confidence) == (None, "none", 0.0)


def test_a_trigger_goes_before_every_guess(of_shipped: Matcher) -> None:
    assert of_shipped.match("git status").matched_by == "exact"


@pytest.mark.parametrize("about", ["8080", "8080 and 5432"])
def test_a_guess_that_lacks_what_it_needs_overrules_no_trigger(
    of_shipped: Matcher, about: str
) -> None:
    assert of_shipped.match(f"what do we know about {about}").pattern == "memory.recall"


def test_a_single_pattern_is_found_and_does_not_take_every_query(pattern, folder: Path) -> None:
    pattern()
    matcher = learned(load_catalog([folder]))

    assert matcher.match("was the rollout to the servers finished").pattern == "memory.deploy"
    for query in ("compose a haiku about mountains", "what is the tallest tree", "hello there"):
        assert matcher.match(query).pattern is None


def test_a_counterexample_does_not_lead_there(pattern, folder: Path) -> None:
    query = "is the deployment of troops done"
    pattern()
    before = learned(load_catalog([folder])).guess(query)
    pattern(no_match=query)
    matcher = learned(load_catalog([folder]))

    assert before is not None
    assert before.ranked[0][1] > 0.3
    assert matcher.match(query).pattern is None


def test_nothing_is_stored_on_a_guess(pattern, folder: Path) -> None:
    pattern(steps='{name: a, store: "{query}"}')
    match = learned(load_catalog([folder])).match("is the deployment done yet")

    assert match.pattern is None
    assert match.closest == ("memory.deploy",)


def test_what_may_change_something_takes_a_surer_guess(pattern, folder: Path) -> None:
    pattern("infrastructure.deploy", steps="{name: a, call: deploy}")
    matcher = learned(load_catalog([folder]))
    unsure, sure = "was the rollout to the servers finished", "did the rollout to production finish"

    guesses = [matcher.guess(query) for query in (unsure, sure)]
    assert all(guess is not None and guess.ranked[0][1] > 0.3 for guess in guesses)
    assert matcher.match(unsure).pattern is None
    assert matcher.match(sure).pattern == "infrastructure.deploy"


def test_typed_arguments_are_found_in_the_query(pattern, folder: Path) -> None:
    pattern(
        match=CHANGED,
        arguments="{file: {type: path}, count: {type: integer, default: '5'}, ask: {}}",
        steps='{name: a, recall: "{file}", limit: 5}',
    )
    matcher = learned(load_catalog([folder]))

    found = matcher.match("who changed docs/guides/use.md lately, the last 12")
    assert found.arguments == {"file": "docs/guides/use.md", "count": "12"}
    assert matcher.match("who changed tests/run.sh lately").arguments == {"file": "tests/run.sh"}


def test_a_pattern_that_lacks_an_argument_takes_a_surer_guess(
    pattern, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern(
        match=CHANGED,
        arguments="{file: {type: path}}",
        steps='{name: a, recall: "{file}"}',
    )
    matcher = learned(load_catalog([folder]))
    sure = matcher.match("who changed the file lately")
    monkeypatch.setattr(matching, "LACKING_MIN", 0.85)
    unsure = matcher.match("who changed it")

    assert (sure.pattern, sure.arguments) == ("memory.deploy", {})
    assert unsure.pattern is None
    assert unsure.leans is not None
    assert 0.5 <= unsure.leans[1] < 0.85 < sure.confidence


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("where is the text 'no space left' in it", "no space left"),
        ("where is parse_row", "parse_row"),
        ("where is the OrderService now", "OrderService"),
    ],
)
def test_the_one_argument_that_is_lacking_is_what_is_quoted_or_code(
    pattern, folder: Path, query: str, found: str
) -> None:
    pattern(
        match=WHERE,
        arguments="{thing: {}}",
        steps='{name: a, recall: "{thing}"}',
    )

    assert learned(load_catalog([folder])).match(query).arguments == {"thing": found}


def test_a_catalogue_without_examples_says_that_it_has_none(write, folder: Path) -> None:
    write("memory.one", exact="one")
    matcher = learned(load_catalog([folder]))

    assert matcher.guess("anything") is None
    assert matcher.match("anything").why == "no pattern has examples to learn from"


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


def test_a_broad_expression_is_overruled_by_what_the_examples_say(write, folder: Path) -> None:
    write("memory.who", BROAD.format(name="who", regex="(?i)^who .*", match=PEOPLE))
    write("memory.deploy", BROAD.format(name="deploy", regex="zebra", match=DEPLOY))
    before = Matcher(load_catalog([folder]))
    matcher = learned(load_catalog([folder]))
    foreign, own = "who painted the ceiling of the sistine chapel", "who is our contact at Acme"

    assert before.match(foreign).pattern == "memory.who"
    assert matcher.match(foreign).pattern is None
    assert matcher.match(own).matched_by == "regex"


def test_an_expression_that_claims_nothing_foreign_is_taken_at_its_word(pattern, write, folder):
    pattern()
    write(
        "memory.page", BROAD.format(name="page", regex="(?i)page [0-9]+ of", match="page 4 of it")
    )

    found = learned(load_catalog([folder])).match("write a poem about page 12 of hamlet")
    assert (found.pattern, found.matched_by) == ("memory.page", "regex")
