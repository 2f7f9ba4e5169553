"""Has the model of a catalogue read or made in the background; whoever asks early is told so.

The thread starts with the first query that the triggers do not decide: whoever needs no examples
pays nothing. It imports numpy on its own. It is a daemon, since a server that is asked to end must
not wait long for a model; but a thread that is within numpy while the interpreter ends takes the
process down with it.
"""

import atexit
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tmws_mcp.embedding.embedder import TokenEmbedder, load_embedder
from tmws_mcp.errors import EmbedderUnavailable
from tmws_mcp.patterns.definition import Pattern
from tmws_mcp.telemetry import get_logger

if TYPE_CHECKING:
    from tmws_mcp.patterns.semantic.model import Model

BUILT_IN = "static"
EXIT_SECONDS_MAX = 30.0
"""How long an end waits for a model in the making; it takes seconds, on a busy machine many."""
RECENT_MAX = 2
"""Models at hand; engines of one process mostly have the same patterns."""
LEARNING = "the examples of the patterns are still being learned; ask again in a moment"

log = get_logger("patterns")


class Stage:
    """The model of one catalogue, once it is there."""

    def __init__(
        self,
        patterns: Mapping[str, Pattern],
        owner: Callable[[str], str | None],
        folder: Path | None,
    ) -> None:
        self.model: Model | None = None
        self.problem = LEARNING
        """Why there is no model, where there is none."""
        self._patterns, self._owner, self._folder = patterns, owner, folder
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin, unless it was begun before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tmws-matching", daemon=True)
            atexit.register(self._done.wait, EXIT_SECONDS_MAX)
            self._thread.start()

    def wait(self, seconds_max: float) -> bool:
        """Begin if need be, and wait until the model is there, or is known not to come."""
        if seconds_max > 0:
            self.begin()
        return self._done.wait(seconds_max)

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self._done.is_set()

    def _run(self) -> None:
        started = time.perf_counter()
        try:
            self.model = self._made()
            self.problem = "" if self.model else "no pattern has examples to learn from"
        except EmbedderUnavailable as error:
            self.problem = str(error)
        except Exception as error:  # triggers go on matching without it
            log.exception("matching.learning_failed")
            self.problem = f"learning the examples failed ({type(error).__name__}); see the log"
        self._done.set()
        atexit.unregister(self._done.wait)
        took = round((time.perf_counter() - started) * 1000)
        log.info("matching.learned", patterns=len(self._patterns), duration_ms=took)

    def _made(self) -> "Model | None":
        from tmws_mcp.patterns.semantic import examples, model, saved, training  # noqa: PLC0415

        embedder = load_embedder(BUILT_IN)
        assert isinstance(embedder, TokenEmbedder)
        names, known = examples.examples_of(self._patterns, self._owner)
        if not names:
            return None
        name = saved.model_name(embedder, names, known)
        path = self._folder / name if self._folder else None
        made = recent(name)  # another engine of this process may have it
        if made is None and path is not None:
            made = saved.load(path, embedder, names, known)
        if made is None:
            made = model.model_of(names, known, training.train(embedder, known))
            if path is not None:
                saved.save(path, made)
        elif path is not None and not path.exists():
            saved.save(path, made)
        return keep(name, made)


_recent: "OrderedDict[str, Model]" = OrderedDict()
_lock = threading.Lock()


def recent(name: str) -> "Model | None":
    """Return a model that this process has; models never change."""
    with _lock:
        return _recent.get(name)


def keep(name: str, made: "Model") -> "Model":
    """Keep a model at hand for other engines of this process, and return it."""
    with _lock:
        _recent[name] = made
        while len(_recent) > RECENT_MAX:
            _recent.popitem(last=False)
    return made
