"""What turns text into vectors, and the embedders there are by name.

Nothing heavy is imported before an embedder is loaded: a server answers `initialize` without
numpy. Without an embedder recall goes on with words alone, so a loader never falls back in
silence; it says what is missing and what to do about it.

A name is a kind, and for most kinds a colon and which one of it: `static`, `onnx:/models/minilm`.
A package adds a kind by an entry point in the group `tmws_mcp.embedders`: a Loader of that name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tmws_mcp.errors import EmbedderUnavailable, SettingsError, TmwsError
from tmws_mcp.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENTRY_POINTS = "tmws_mcp.embedders"
NAME_SHOWN_MAX = 80


class Embedder(Protocol):
    """Makes one vector of a text; vectors of texts with a like meaning lie near each other."""

    id: str
    """Names the vectors: those of two ids must never be compared."""
    dimensions: int
    prompt: bool
    """Whether a text costs well under a millisecond.

    Only such an embedder is called while the store's write lock is held. With another one a memory
    is stored at once, its vector is made right after that, and a query's before the store is read.
    """

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return one row of unit length for each text; a zero row where a text has no words.

        Several threads may call it at once.

        Raises:
            EmbedderUnavailable: It cannot make them; an EmbedderAway is asked again.
        """
        ...


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that also has a vector for each token, which lets ranking match word by word."""

    tokens: Sequence[str]
    """The vocabulary: a token's text at the place of its id."""

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of the tokens of a text in their order, unknown ones left out."""
        ...

    def token_rows(self, ids: Sequence[int]) -> "NDArray[np.float32]":
        """Return one row of unit length for each token id."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say of embedders beside the name."""

    folder: Path = Path("models")
    """Where models that were fetched lie."""
    download: bool = False
    """Whether a model that is not on this machine may be fetched."""
    key: str = field(default="", repr=False)
    """Of the HTTP endpoint."""


def options_of(settings: Settings) -> Options:
    """Return what the settings say of embedders."""
    return Options(
        folder=settings.home / "models",
        download=settings.embedder_download,
        key=settings.embedder_key,
    )


Loader = Callable[[str, Options], Embedder]
"""Takes which one of its kind: what stands behind the colon."""

NO_OPTIONS = Options()


def load_embedder(name: str, options: Options = NO_OPTIONS) -> Embedder:
    """Return the embedder of that name, loaded; the built-in one takes some 50 ms.

    Raises:
        EmbedderUnavailable: It cannot be had here; the message says why and what to do.
        SettingsError: There is none of that name.
    """
    kind, _, which = name.partition(":")
    if kind in ("http", "https"):
        kind, which = "openai", name
    load = EMBEDDERS.get(kind) or _of_a_package(kind)
    if load is None:
        raise SettingsError(
            f"There is no embedder {name[:NAME_SHOWN_MAX]!r}. Set TMWS_EMBEDDER to one of: "
            f"{', '.join(sorted(EMBEDDERS))}; docs/guides/embedders.md tells of each."
        )
    return load(which, options)


def _of_a_package(kind: str) -> Loader | None:
    """Return the loader that an installed package has for that kind."""
    for found in entry_points(group=ENTRY_POINTS, name=kind):
        return lambda which, options: _guarded(found.load, found.value, which, options)
    return None


def _guarded(
    import_loader: Callable[[], Loader], origin: str, which: str, options: Options
) -> Embedder:
    try:
        return import_loader()(which, options)
    except TmwsError:
        raise
    except Exception as error:  # another's code: whatever it raises, words alone still answer
        raise EmbedderUnavailable(
            f"The embedder of {origin} cannot be loaded ({type(error).__name__}: {error})",
            remedy="Mend or update the package that brings it, or set another TMWS_EMBEDDER.",
        ) from error


def not_installed(package: str, extra: str, error: ImportError) -> EmbedderUnavailable:
    """Return the error that says which extra brings a package."""
    return EmbedderUnavailable(
        f"The package {package} cannot be imported ({error})",
        remedy=f"Install it: pip install 'tmws-mcp[{extra}]'.",
    )


def _load_static(_which: str, _options: Options) -> Embedder:
    try:
        from tmws_mcp.embedding.static import shipped  # noqa: PLC0415 - imports numpy
    except ImportError as error:
        raise EmbedderUnavailable(
            f"numpy cannot be imported ({error})",
            remedy="Install it again: pip install --force-reinstall numpy.",
        ) from error
    return shipped()


def _load_none(_which: str, _options: Options) -> Embedder:
    raise EmbedderUnavailable(
        "The settings switch vectors off",
        remedy="Set TMWS_EMBEDDER to `static` to have them.",
    )


def _load_onnx(which: str, options: Options) -> Embedder:
    from tmws_mcp.embedding.onnx import load_onnx  # noqa: PLC0415 - imports numpy

    return load_onnx(which, options)


def _load_model2vec(which: str, options: Options) -> Embedder:
    from tmws_mcp.embedding.model2vec import load_model2vec  # noqa: PLC0415 - imports numpy

    return load_model2vec(which, options)


def _load_fastembed(which: str, options: Options) -> Embedder:
    from tmws_mcp.embedding.fastembed import load_fastembed  # noqa: PLC0415 - imports numpy

    return load_fastembed(which, options)


def _load_openai(which: str, options: Options) -> Embedder:
    from tmws_mcp.embedding.openai import load_openai  # noqa: PLC0415 - imports numpy

    return load_openai(which, options)


EMBEDDERS: Mapping[str, Loader] = {
    "static": _load_static,
    "none": _load_none,
    "onnx": _load_onnx,
    "model2vec": _load_model2vec,
    "fastembed": _load_fastembed,
    "openai": _load_openai,
}
