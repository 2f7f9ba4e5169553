"""Where a program lies: through absolute entries of PATH alone.

An empty entry or a relative one, which PATH may hold, would find what somebody put into the working
folder, and so does Windows by itself: it looks there first.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

WINDOWS_ENDINGS = ".COM;.EXE;.BAT;.CMD"
"""What a program's name may end with there, where PATHEXT does not say."""


def found_program(name: str, environment: Mapping[str, str]) -> str | None:
    """Return where a program lies; None where it is not found.

    A name that holds a folder must be an absolute path: it is not looked for.
    """
    if Path(name).is_absolute():
        places = [name]
    elif Path(name).name == name:
        places = [str(place / name) for place in _folders(environment)]
    else:
        return None
    files = (place + ending for place in places for ending in _endings(name, environment))
    return next((file for file in files if Path(file).is_file() and os.access(file, os.X_OK)), None)


def absolute_path(environment: Mapping[str, str]) -> str:
    """Return PATH without the entries that depend on the working folder."""
    return os.pathsep.join(map(str, _folders(environment)))


def _folders(environment: Mapping[str, str]) -> Iterator[Path]:
    places = map(Path, environment.get("PATH", os.defpath).split(os.pathsep))
    return (place for place in places if place.is_absolute())


def _endings(name: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return what may have to be added to the name: nothing, but on Windows."""
    if sys.platform == "win32":
        endings = environment.get("PATHEXT", WINDOWS_ENDINGS).lower().split(os.pathsep)
        return ("",) if name.lower().endswith(tuple(endings)) else tuple(endings)
    return ("",)
