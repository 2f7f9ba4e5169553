from pathlib import Path

from tmws_mcp.patterns.check import check_folder

TEXT = """
    id: memory.mine
    route: memory
    summary: Mine
    priority: {priority}
    triggers: {{exact: [{exact}], regex: ['{regex}']}}
    examples:
      match: [{match}]
      no_match: [{no_match}]
    steps: [{{name: found, recall: "{{query}}"}}]
"""


def checked(write, folder: Path, **values: str) -> list[str]:
    given = {"exact": "mine", "regex": "zebra", "match": "a zebra", "no_match": "a horse"} | values
    write("memory.mine", TEXT.format(**{"priority": "0"} | given))
    return [str(problem) for problem in check_folder(folder)]


def test_a_sound_pattern_has_no_problems(write, folder: Path) -> None:
    assert checked(write, folder) == []


def test_an_example_without_a_trigger_leads_here_by_being_an_example(write, folder: Path) -> None:
    assert checked(write, folder, match="where do the horses sleep") == []


def test_an_example_that_nothing_matches_is_named_with_its_line(write, folder: Path) -> None:
    text = TEXT.replace('recall: "{{query}}"', 'store: "{{query}}"')
    given = {"exact": "mine", "regex": "zebra", "match": "quinces", "no_match": "a horse"}
    write("memory.mine", text.format(priority="0", **given))
    (problem,) = check_folder(folder)

    assert "mine.yaml:8: examples: 'quinces' must lead here, and neither" in str(problem)


def test_an_example_that_leads_elsewhere_says_where(write, folder: Path) -> None:
    (problem,) = checked(write, folder, match="git status")

    assert "leads to infrastructure.workspace" in problem


def test_a_claim_of_the_same_priority_is_a_problem(write, folder: Path) -> None:
    problems = checked(
        write,
        folder,
        priority="4",
        regex=".*what did we decide about zebras.*",
        match="what did we decide about zebras",
    )

    assert any("memory.decisions" in problem for problem in problems)


def test_a_priority_settles_who_answers(write, folder: Path) -> None:
    query = "what did we decide about zebras"

    assert checked(write, folder, priority="9", regex=query, match=query) == []


def test_a_counterexample_that_leads_here_is_a_problem(write, folder: Path) -> None:
    (problem,) = checked(write, folder, no_match="two zebras")

    assert "'two zebras' leads here, and must not" in problem


def test_an_expression_takes_no_example_of_a_shipped_pattern_from_it(write, folder: Path) -> None:
    assert checked(write, folder, priority="50", regex="state of the repository") == []


def test_without_examples_it_takes_them_which_is_a_problem_of_the_shipped_one(
    write, folder: Path
) -> None:
    text = TEXT.replace("match: [{match}]", "match: []")
    given = {"exact": "mine", "regex": "state of the repository", "no_match": "a horse"}
    write("memory.mine", text.format(priority="50", **given))
    problems = [str(problem) for problem in check_folder(folder)]

    assert any("infrastructure/workspace.yaml" in problem for problem in problems)


def test_an_unknown_action_is_named_with_the_known_ones(write, folder: Path) -> None:
    write(
        "infrastructure.x",
        """
        id: infrastructure.x
        route: infrastructure
        summary: x
        triggers: {exact: [zebra]}
        steps: [{name: a, action: rocket.launch}]
        """,
    )
    (problem,) = (str(p) for p in check_folder(folder))

    assert "there is no action 'rocket.launch'; known are calculate.value" in problem


def test_a_pattern_that_no_query_can_reach_is_a_problem(write, folder: Path) -> None:
    write(
        "memory.x",
        """
        id: memory.x
        route: memory
        summary: x
        steps: [{name: a, recall: x}]
        """,
    )
    (problem,) = (str(p) for p in check_folder(folder))

    assert "no query can lead here" in problem


def test_files_that_cannot_be_read_are_told_too(write, folder: Path) -> None:
    write("memory.x", "id: [")

    assert "not valid YAML" in str(check_folder(folder)[0])
