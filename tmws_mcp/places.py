"""Where files belong, by the custom of each platform."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

NAME = "tmws-mcp"


def default_home(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return the data folder that the platform's custom asks for."""
    user = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
    if platform == "darwin":
        return user / "Library" / "Application Support" / NAME
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or user / "AppData" / "Local") / NAME
    return Path(environ.get("XDG_DATA_HOME") or user / ".local" / "share") / NAME


def configuration_folder() -> Path:
    """Return where other programs keep their configuration, by the platform's custom."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def cache_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Return where what can be made anew is kept, for all data folders of a user."""
    environ = os.environ if environ is None else environ
    user = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
    if platform == "darwin":
        return user / "Library" / "Caches" / NAME
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or user / "AppData" / "Local") / NAME / "Cache"
    return Path(environ.get("XDG_CACHE_HOME") or user / ".cache") / NAME
