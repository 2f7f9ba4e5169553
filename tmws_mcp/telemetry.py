"""Logging to stderr, since stdout belongs to the protocol; and traces, where somebody wants them.

One event is one line, `<package>.<past tense>` with its figures: JSON where stderr is a pipe (a
client's log file), coloured text on a terminal. The text of a memory, a query, an error or an
argument is never logged.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from tmws_mcp.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from structlog.typing import FilteringBoundLogger, Processor

TRACES_SECONDS_MAX = 2
"""For a collector to take some spans; then they are lost."""
SPANS_WAITING_MAX = 2_048
_OURS = logging.getLogger("tmws_mcp")
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


def configure_logging(level: str) -> None:
    """Send our events to stderr from `level` upwards, those of libraries from INFO at the least.

    Called before the MCP server is built: it leaves a configured root logger alone.
    """
    _OURS.setLevel(LEVELS[level])
    logging.basicConfig(
        stream=sys.stderr,
        # Libraries print their arguments when they debug, and ours are memories and raw errors.
        level=max(LEVELS[level], logging.INFO),
        format="%(levelname)s %(name)s %(message)s",
        force=True,
    )


@contextmanager
def traced(url: str, version: str) -> Iterator[None]:
    """Send the spans of MCP requests to a collector while the block runs; without a URL nothing.

    Raises:
        SettingsError: The packages for it are not installed.
    """
    if not url:
        yield
        return
    provider = _provider(url, version)
    try:
        yield
    finally:
        provider.shutdown()  # sends the last ones


def _provider(url: str, version: str) -> "TracerProvider":
    try:
        from opentelemetry import trace  # noqa: PLC0415 - only who traces has them
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            "TMWS_OTLP_URL needs packages that are not installed: pip install 'tmws-mcp[otlp]'."
        ) from error
    about = Resource.create({"service.name": "tmws-mcp", "service.version": version})
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=url, timeout=TRACES_SECONDS_MAX)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=SPANS_WAITING_MAX))
    trace.set_tracer_provider(provider)
    return provider


class Logger:
    """The events of one package, below the level of `configure_logging` at no cost.

    structlog imports rich where it is installed, 85 ms that a server without anything to say need
    not spend before it answers: it is imported for the first event that is shown.
    """

    def __init__(self, package: str) -> None:
        self._package = package

    def debug(self, event: str, **figures: object) -> None:
        """Tell what only somebody who looks for a fault wants to know."""
        self._tell("DEBUG", event, figures)

    def info(self, event: str, **figures: object) -> None:
        """Tell what was done."""
        self._tell("INFO", event, figures)

    def warning(self, event: str, **figures: object) -> None:
        """Tell what went wrong and was got over."""
        self._tell("WARNING", event, figures)

    def error(self, event: str, **figures: object) -> None:
        """Tell what could not be done."""
        self._tell("ERROR", event, figures)

    def exception(self, event: str, **figures: object) -> None:
        """Tell what could not be done, with the traceback of what is being handled."""
        self._tell("ERROR", event, {**figures, "exc_info": True})

    def _tell(self, level: str, event: str, figures: dict[str, object]) -> None:
        if _OURS.isEnabledFor(LEVELS[level]):
            _events().log(LEVELS[level], event, package=self._package, **figures)


def get_logger(package: str) -> Logger:
    """Return the logger of a package; `package` stands in each of its events."""
    return Logger(package)


@cache
def _events() -> "FilteringBoundLogger":
    import structlog  # noqa: PLC0415 - see Logger

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        # The stream is looked up at each event: a server on stdio moves the descriptors about.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    events: FilteringBoundLogger = structlog.get_logger()
    return events


def _renderer() -> "Processor":
    import structlog  # noqa: PLC0415 - see Logger

    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.JSONRenderer()
