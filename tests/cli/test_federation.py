"""Sharing is looked at, hurried, taken back and ended from the command line."""

import json

import pytest

from tests.federation.team import KEY, NAMESPACE

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3


@pytest.fixture
def member(tmws, monkeypatch, redis_url):
    monkeypatch.setenv("TMWS_NAMESPACE", NAMESPACE)
    monkeypatch.setenv("TMWS_REDIS_URL", redis_url)
    monkeypatch.setenv("TMWS_FEDERATION_NAMESPACES", NAMESPACE)
    monkeypatch.setenv("TMWS_FEDERATION_KEYS", KEY)
    for _ in range(3):
        told = {"task": "mend the build", "tool_used": "make"}
        assert tmws("inspect", "call", "observe_interaction", json.dumps(told)).exit_code == OK
    return tmws


def test_alone_it_says_so_and_what_to_set(tmws):
    assert "works alone" in tmws("federation", "status").stdout
    result = tmws("federation", "sync")
    assert result.exit_code == FAILED
    assert "TMWS_REDIS_URL" in result.output


def test_a_secret_that_is_too_short_is_said(member, monkeypatch):
    monkeypatch.setenv("TMWS_FEDERATION_KEYS", "short")
    result = member("federation", "sync")
    assert result.exit_code == FAILED
    assert "TMWS_FEDERATION_KEYS" in result.output
    assert "short" not in result.output


def test_what_is_shared_is_shown_by_the_server_and_by_the_store(member):
    assert member("federation", "sync").exit_code == OK
    report = json.loads(member("federation", "status", "--json").stdout)
    (namespace,) = report["namespaces"]
    assert namespace["namespace"] == NAMESPACE
    assert [peer["own"] for peer in namespace["peers"]] == [True]
    assert namespace["peers"][0]["vv"] == namespace["peers"][0]["hub_vv"]
    shown = member("inspect", "federation").stdout
    assert report["actor"] in shown


def test_forgetting_everywhere_asks_first_and_says_on_how_many(member):
    (pattern,) = json.loads(member("inspect", "learned", "--json").stdout)
    unasked = member("federation", "forget", pattern["pattern_id"])
    assert unasked.exit_code == FAILED

    done = member("federation", "forget", pattern["pattern_id"], "--yes")

    assert "Forgotten on 1 of 1 instances" in done.stdout
    assert json.loads(member("inspect", "learned", "--json").stdout or "[]") == []


def test_a_tool_or_a_task_is_forgotten_everywhere(member):
    done = member("federation", "forget", "--tool", "make", "--yes")
    assert "Forgotten on 1 of 1 instances: tool 'make'" in done.stdout
    assert json.loads(member("inspect", "learned", "--json").stdout or "[]") == []

    done = member("federation", "forget", "--task", "mend the build", "--yes")
    assert "Forgotten on 1 of 1 instances: task 'mend the build'" in done.stdout


def test_who_leaves_is_told_what_to_set(member):
    done = member("federation", "leave", "--yes")
    assert done.exit_code == OK
    assert "TMWS_FEDERATION_NAMESPACES" in done.stdout
    assert json.loads(member("inspect", "learned", "--json").stdout)


def test_without_a_shared_namespace_there_are_no_rules_and_that_is_said(tmws):
    result = tmws("federation", "acl", "ada")
    assert (result.exit_code, result.stdout) == (NOTHING, "")
    assert "TMWS_FEDERATION_NAMESPACES" in result.stderr


def test_the_rules_of_a_redis_user_name_the_namespace(member):
    printed = member("federation", "acl", "ada").stdout.replace("\n", " ")
    assert "ACL SETUSER ada" in printed
    assert f"~tm:{{{NAMESPACE}}}:*" in printed
