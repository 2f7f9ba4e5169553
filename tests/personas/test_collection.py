import json
from pathlib import Path

import pytest

from tmws_mcp.patterns.catalog import load_catalog, shipped_folder
from tmws_mcp.personas import collection
from tmws_mcp.personas.collection import load_personas
from tmws_mcp.personas.definition import PROMPT_CHARS_MAX

VALID = {
    "name": "mercury",
    "title": "Mercury",
    "summary": "Carries news",
    "prompt": "Carry $target",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    return made


def write(folder: Path, name: str = "mercury", **changed: object) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(VALID | {"name": name} | changed))
    return path


def test_six_personas_are_shipped_without_a_problem() -> None:
    personas = load_personas()

    assert sorted(personas.by_name) == ["artemis", "athena", "bellona", "hera", "hestia", "seshat"]
    assert personas.problems == ()


def test_what_a_shipped_persona_prefers_is_a_shipped_pattern() -> None:
    known = load_catalog([shipped_folder()]).patterns

    for persona in load_personas().by_name.values():
        assert persona.patterns
        assert set(persona.patterns) <= set(known)


def test_a_folder_adds_personas_and_replaces_shipped_ones(folder: Path) -> None:
    write(folder)
    write(folder, "artemis", title="Mine")

    personas = load_personas([folder])

    assert personas.named("Mercury ") == personas.by_name["mercury"]
    assert personas.by_name["artemis"].title == "Mine"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"prompt": "Go to $place"}, r"nothing gives \$place a value; known are \$filters"),
        ({"prompt": "100 $ for you"}, r"write \$\$ for the character"),
        ({"prompt": "x" * (PROMPT_CHARS_MAX + 1)}, "prompt: Value should have at most 6000"),
        ({"colour": "red"}, "colour: this key is not known here"),
        ({"patterns": ["rm -rf"]}, "patterns.0: String should match"),
        ({"filters": {"kinds": ["secret"]}}, "filters.kinds.0: Input should be"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_takes_no_other_away(
    folder: Path, changed: dict[str, object], said: str
) -> None:
    write(folder, **changed)
    write(folder, "vesta")

    personas = load_personas([folder])

    (problem,) = personas.problems
    assert "mercury.json" in str(problem)
    with pytest.raises(type(problem), match=said):
        raise problem
    assert "vesta" in personas.by_name


def test_a_name_that_is_not_the_files_is_a_problem(folder: Path) -> None:
    write(folder).rename(folder / "vesta.json")

    (problem,) = load_personas([folder]).problems

    assert "'mercury' does not equal the file's 'vesta'" in str(problem)


def test_a_loop_of_links_takes_no_other_persona_away(folder: Path) -> None:
    (folder / "mercury.json").symlink_to(folder / "mercury.json")

    assert "is a link" in str(load_personas([folder]).problems[0])


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "mercury.json").symlink_to(write(tmp_path))

    personas = load_personas([folder])

    assert "mercury" not in personas.by_name
    assert "leads out of its folder" in str(personas.problems[0])


def test_a_folder_that_is_not_there_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    personas = load_personas([tmp_path / "none"])

    assert "is not a folder" in str(personas.problems[0])
    assert "artemis" in personas.by_name


def test_the_number_of_personas_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "PERSONAS_MAX", 7)
    for name in ("a", "b", "c"):
        write(folder, name)

    personas = load_personas([folder])

    assert len(personas.by_name) == 7
    assert "more than 7 personas" in str(personas.problems[0])
