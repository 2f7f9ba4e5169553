"""`tmws-mcp doctor`: is this installation able to do its work, and if not, what to do."""

from dataclasses import asdict

from tmws_mcp.cli.checks import CHECKS, Finding, State, examine
from tmws_mcp.cli.exits import FAILED, OK, end
from tmws_mcp.cli.render import console, print_json, show, table, text
from tmws_mcp.cli.target import JsonOption
from tmws_mcp.settings import Settings

STYLES: dict[State, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(*, as_json: JsonOption = False) -> None:
    """Check this installation, its store and its patterns; each problem comes with a remedy."""
    settings = Settings.load()
    findings = {name: examine(check, settings) for name, check in CHECKS.items()}
    if as_json:
        print_json([{"check": name, **asdict(finding)} for name, finding in findings.items()])
    else:
        _show(findings)
    end(FAILED if any(found.state == "fail" for found in findings.values()) else OK)


def _show(findings: dict[str, Finding]) -> None:
    rows = [
        (name, text(found.state, STYLES[found.state]), _both(found))
        for name, found in findings.items()
    ]
    console().print(table(("check", "state", "found"), rows))
    show(_verdict(findings))


def _both(found: Finding) -> str:
    return f"{found.found}\n-> {found.remedy}" if found.remedy else found.found


def _verdict(findings: dict[str, Finding]) -> str:
    states = [found.state for found in findings.values()]
    if "fail" in states:
        return f"{states.count('fail')} of {len(states)} checks failed: the server cannot work so."
    if "warn" in states:
        advice = states.count("warn")
        have = "has" if advice == 1 else "have"
        return f"The server works; {advice} of {len(states)} checks {have} advice."
    return f"All {len(states)} checks passed."
