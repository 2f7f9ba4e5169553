"""The client's ends of stdin and stdout, moved out of reach of everything else.

Imports next to nothing: `tmws-mcp` calls it before it imports anything that might print.
"""

import os
import stat
from functools import cache


@cache
def claim_standard_streams() -> tuple[int, int]:
    """Return descriptors to read the client from and to write to it; once and for all.

    Descriptor 0 becomes empty and 1 becomes stderr, so that nothing that this process or a child
    of it reads or prints touches the protocol. POSIX only.
    """
    source, target = _moved(0), _moved(1)
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(empty, 0)
    os.dup2(2 if _is_open(2) else empty, 1)
    os.close(empty)
    if _may_block(target):
        os.set_blocking(target, False)
    return source, target


def _moved(descriptor: int) -> int:
    """Duplicate a descriptor beyond the standard three; children do not inherit it.

    One that is closed counts as empty: a server without input ends at once.
    """
    import fcntl  # noqa: PLC0415 - not on Windows

    if not _is_open(descriptor):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _may_block(descriptor: int) -> bool:
    """Whether a write to it can wait for a reader: a pipe's or a socket's can, a file's cannot.

    A terminal's can too, but its mode is shared with the shell that runs us.
    """
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
