"""The product's two tools through a real server over stdio, on a store of its own."""

import tempfile

from benchmarks.learning.calls import Arguments
from benchmarks.learning.product import SCOPE
from benchmarks.learning.recommenders import Answers
from benchmarks.process import ServerProcess


class Server:
    """A server process with an empty store; `close` ends it and removes the store."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tmws-learning-")
        environment = {"TMWS_HOME": self._folder.name, "TMWS_NAMESPACE": SCOPE.namespace}
        self._process = ServerProcess(environment=environment)
        try:
            self._process.initialize()
        except BaseException:
            self.close()
            raise

    def observe(self, arguments: Arguments) -> None:
        """Observe a step, or how a session ended."""
        self._process.call("observe_interaction", **arguments)

    def recommend(self, arguments: Arguments) -> Answers:
        """Return what is recommended, the best first."""
        reply = self._process.call("get_recommendations", **arguments)
        return [(one["action"], one["confidence"]) for one in reply["recommendations"]]

    def close(self) -> None:
        """End the process, then remove the store that it wrote to."""
        self._process.close()
        self._folder.cleanup()
