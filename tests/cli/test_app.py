"""The command line as a whole."""

import pytest

from tmws_mcp import __version__

USAGE = 2


def test_the_version_is_told(tmws):
    result = tmws("--version")

    assert (result.exit_code, result.stdout) == (0, f"tmws-mcp {__version__}\n")


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["observe"], ["serve", "--transport", "carrier-pigeon"]]
)
def test_wrong_usage_ends_with_code_2(tmws, arguments):
    result = tmws(*arguments)

    assert result.exit_code == USAGE
    assert result.stderr
