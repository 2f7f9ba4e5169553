"""What turns text into vectors, and the embedders there are by name.

Nothing heavy is imported before an embedder is loaded: a server answers `initialize` without
numpy. Without an embedder recall goes on with words alone, so a loader never falls back in
silence; it says what is missing and what to do about it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tmws_mcp.errors import EmbedderUnavailable, SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """Makes one vector of a text; vectors of texts with a like meaning lie near each other."""

    id: str
    """Names the vectors: those of two ids must never be compared."""
    dimensions: int

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return one row of unit length for each text; a zero row where a text has no words."""
        ...


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that also has a vector for each token, which lets ranking match word by word."""

    tokens: Sequence[str]
    """The vocabulary: a token's text at the place of its id."""

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of the tokens of a text in their order, unknown ones left out."""
        ...

    def encode_tokens(self, texts: Sequence[Sequence[int]]) -> "NDArray[np.float32]":
        """Return what `encode` does for texts whose tokens are known already."""
        ...

    def token_rows(self, ids: Sequence[int]) -> "NDArray[np.float32]":
        """Return one row of unit length for each token id."""
        ...


def load_embedder(name: str) -> Embedder:
    """Return the embedder of that name, loaded; this takes some 50 ms.

    Raises:
        EmbedderUnavailable: It cannot be had here; the message says why and what to do.
        SettingsError: There is none of that name.
    """
    load = EMBEDDERS.get(name)
    if load is None:
        raise SettingsError(
            f"There is no embedder {name[:80]!r}. Set TMWS_EMBEDDER to one of: "
            f"{', '.join(sorted(EMBEDDERS))}."
        )
    return load()


def _load_static() -> Embedder:
    try:
        from tmws_mcp.embedding.static import load_static  # noqa: PLC0415 - imports numpy
    except ImportError as error:
        raise EmbedderUnavailable(
            f"numpy cannot be imported ({error}), so recall uses words alone. "
            "Install it again: pip install --force-reinstall numpy."
        ) from error
    return load_static()


def _load_none() -> Embedder:
    raise EmbedderUnavailable(
        "The settings switch vectors off, so recall uses words alone. "
        "Set TMWS_EMBEDDER to `static` to have them."
    )


EMBEDDERS: Mapping[str, Callable[[], Embedder]] = {"static": _load_static, "none": _load_none}
