"""`tmws-mcp`, also `python -m tmws_mcp`.

Serving over stdio is what clients start, dozens of times a day, and wait for: it goes past the
command line's machinery. The garbage collector stays off while modules are imported (60 ms of 460)
and never walks what they hold; the process ends without taking them apart (250 ms).
"""

import gc

gc.disable()

import os  # noqa: E402 - imported with the collector off, as everything below
import sys  # noqa: E402 - as above

from tmws_mcp.server.descriptors import claim_standard_streams  # noqa: E402

STDIO: tuple[list[str], ...] = (
    [],
    ["serve"],
    ["serve", "--transport", "stdio"],
    ["serve", "--transport=stdio"],
)


COMPLETING = "_TMWS_MCP_COMPLETE"  # a shell asks for completions, and gives no arguments

INTERRUPTED = 130  # what shells expect of a program that Ctrl-C has ended


# The products that ranking computes are small: the threads of a BLAS only wait for each other, a
# hundred times longer on a busy machine. Read by the library when it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, while modules are imported too."""
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        from tmws_mcp import __version__  # noqa: PLC0415 - what follows is heavier

        print(f"tmws-mcp {__version__}")  # noqa: T201 - what a command line does
    elif arguments in STDIO and COMPLETING not in os.environ:
        if sys.platform != "win32" and not _is_terminal():
            claim_standard_streams()  # before anything is imported that might print
        from tmws_mcp.cli.serve import serve  # noqa: PLC0415 - each branch loads its own

        serve("stdio")
    else:
        from tmws_mcp.cli.app import main as command_line  # noqa: PLC0415 - loads typer and rich

        gc.freeze()
        gc.enable()
        command_line()


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


if __name__ == "__main__":
    main()
