"""Tokens made, listed and revoked at the command line."""

import json

OK, USAGE, NOTHING = 0, 2, 3


def test_a_token_is_printed_once_and_listed_without_its_secret(tmws) -> None:
    can = ("--can", "read", "--can", "write")
    made = tmws("token", "create", "laptop", *can, "--namespace", "ada")
    secret = made.stdout.strip()
    listed = tmws("token", "list", "--json")

    assert secret.startswith("tmws_")
    assert secret not in listed.stdout
    [one] = json.loads(listed.stdout)
    assert one["name"] == "laptop"
    assert (one["permissions"], one["namespaces"]) == (["read", "write"], ["ada"])


def test_a_revoked_token_says_when(tmws) -> None:
    name = tmws("token", "create", "laptop").stdout.split("_")[1]

    assert tmws("token", "revoke", name).exit_code == OK
    again = tmws("token", "revoke", name)

    assert json.loads(tmws("token", "list", "--json").stdout)[0]["revoked_at"]
    assert again.exit_code == NOTHING
    assert "token list" in again.output


def test_what_no_token_can_do_is_refused(tmws) -> None:
    refused = tmws("token", "create", "laptop", "--can", "fly")

    assert refused.exit_code == USAGE
    assert "permissions" in refused.output


def test_without_tokens_and_writes_there_is_nothing_to_list(tmws) -> None:
    assert tmws("token", "list").exit_code == NOTHING
    assert tmws("token", "audit").exit_code == NOTHING
