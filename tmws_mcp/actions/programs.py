"""Which programs may be run, where, and what they get to see.

None, unless the settings name them. A folder and a path are taken as what they are once all links
are followed, and must then lie within the folders that the settings allow.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio.to_thread

from tmws_mcp.actions.command import Finished, run_command
from tmws_mcp.actions.lookup import found_program
from tmws_mcp.errors import ActionError

ANY = "*"
BATCH_FILES = (".bat", ".cmd")


@dataclass(frozen=True, slots=True)
class Programs:
    """What the settings allow."""

    allowed: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds_max: float = 30.0

    async def run(self, argv: Sequence[str], folder: str) -> Finished:
        """Run a program in a folder that `folder` has returned.

        Raises:
            ActionError: It is not allowed, not there, or did not end in time.
        """
        program = await anyio.to_thread.run_sync(self._program, argv[0])
        return await run_command(
            [program, *argv[1:]],
            folder=Path(folder),
            environment={**self.environment, "LC_ALL": "C.UTF-8"},
            seconds=self.seconds_max,
        )

    async def folder(self, given: str) -> str:
        """Return the real path of a folder; of none, the first one that is allowed.

        Raises:
            ActionError: It is not allowed, or not there.
        """
        return await anyio.to_thread.run_sync(self._folder, given)

    async def path(self, given: str, folder: str) -> str:
        """Return the real path of a file or folder, given from `folder` on.

        Raises:
            ActionError: It lies outside of what is allowed.
        """
        return await anyio.to_thread.run_sync(self._within, given, Path(folder))

    def _program(self, name: str) -> str:
        """Return where a program lies that may be run."""
        if name not in self.allowed and ANY not in self.allowed:
            raise ActionError(
                f"The program {name!r} may not be run. To allow it, a person adds it to "
                "TMWS_COMMANDS."
            )
        found = found_program(name, self.environment)
        if found is None:
            raise ActionError(f"The program {name!r} is not installed where PATH looks.")
        if sys.platform == "win32" and found.lower().endswith(BATCH_FILES):
            raise ActionError(f"{found} is a batch file, which reads its arguments as code.")
        return found

    def _first(self) -> Path:
        if not self.folders:
            raise ActionError(
                "No folder is allowed: start the server within a project, or name folders with "
                "TMWS_COMMAND_FOLDERS."
            )
        return self.folders[0]

    def _folder(self, given: str) -> str:
        found = self._within(given, self._first())
        if not Path(found).is_dir():
            raise ActionError(f"{given or found} is no folder.")
        return found

    def _within(self, given: str, start: Path) -> str:
        if "\0" in given:
            raise ActionError("A path holds a zero byte.")
        try:
            real = Path(start, given).resolve()
            allowed = any(real.is_relative_to(folder.resolve()) for folder in self.folders)
        except (OSError, RuntimeError) as error:  # a loop of links
            raise ActionError(f"{given} cannot be followed: {error}.") from error
        if not allowed:
            shown = ", ".join(map(str, self.folders)) or "none"
            raise ActionError(f"{given} leads outside of the folders that are allowed ({shown}).")
        return str(real)
