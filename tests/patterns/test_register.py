from pathlib import Path

import pytest

from tmws_mcp.errors import InvalidInput, PatternFileError, StoreNotWritable
from tmws_mcp.model import RegisterReply
from tmws_mcp.patterns.catalog import load_catalog, pattern_folders
from tmws_mcp.patterns.matcher import Matcher
from tmws_mcp.patterns.register import register

MINE = {
    "id": "hybrid.release",
    "route": "hybrid",
    "summary": "What a release needs, beside the repository",
    "triggers": {"regex": ["(?i)^prepare release (?P<version>[0-9.]+)"]},
    "examples": {"match": ["prepare release 1.2"]},
    "steps": [
        {"name": "now", "action": "workspace.state"},
        {"name": "notes", "recall": "release {version}"},
    ],
}


def registered(home: Path, *own: Path, **changes: object) -> RegisterReply:
    return register(MINE | changes, home=home, folders=pattern_folders(home, own))


def test_a_registered_pattern_is_matched_from_its_file(tmp_path: Path) -> None:
    reply = registered(tmp_path)

    path = tmp_path / "patterns" / "hybrid" / "release.yaml"
    assert (reply.id, reply.path, reply.replaced) == ("hybrid.release", str(path), False)
    assert path.stat().st_mode & 0o777 == 0o600
    catalog = load_catalog(pattern_folders(tmp_path))
    assert catalog.problems == ()
    match = Matcher(catalog).match("Prepare release 1.2")
    assert (match.pattern, match.arguments) == ("hybrid.release", {"version": "1.2"})


def test_it_may_be_replaced_by_itself_and_leaves_no_other_file(tmp_path: Path) -> None:
    registered(tmp_path)
    reply = registered(tmp_path, summary="Changed")

    assert reply.replaced
    assert "Changed" in Path(reply.path).read_text("utf-8")
    assert [p.name for p in Path(reply.path).parent.iterdir()] == ["release.yaml"]


@pytest.mark.parametrize(
    "step",
    [
        {"name": "a", "action": "command.run", "with": {"argv": ["rm"]}},
        {"name": "a", "action": "upstream.call"},
        {"name": "a", "store": "{query}"},
    ],
)
def test_it_may_neither_write_nor_call_what_is_not_known_to_read(
    tmp_path: Path, step: dict[str, object]
) -> None:
    steps = [*MINE["steps"], step]

    with pytest.raises(InvalidInput, match=r"registered pattern cannot"):
        registered(tmp_path, steps=steps)
    assert not (tmp_path / "patterns").exists()


def test_it_cannot_replace_what_a_person_wrote(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"memory\.recall is a pattern that a person wrote"):
        registered(
            tmp_path,
            id="memory.recall",
            route="memory",
            steps=[{"name": "a", "recall": "x"}],
            triggers={"exact": ["zebra"]},
            examples={},
        )


def test_it_cannot_take_queries_away_from_others(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"must lead here, and leads to hybrid\.release"):
        registered(tmp_path, priority=100, triggers={"regex": ["(?P<version>.*)"]}, examples={})
    assert not (tmp_path / "patterns").exists()


def test_its_own_examples_must_lead_to_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"'git status' must lead here, and leads to infra"):
        registered(tmp_path, examples={"match": ["git status"]})


@pytest.mark.parametrize("name", ["../../evil", "hybrid.../x", "hybrid.a/b", "hybrid.a.b", ""])
def test_an_id_cannot_name_another_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(PatternFileError, match=r"definition: id"):
        registered(tmp_path, id=name)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "patterns").mkdir()
    (tmp_path / "patterns" / "hybrid").write_text("in the way")

    with pytest.raises(StoreNotWritable, match=r"hybrid"):
        registered(tmp_path)
