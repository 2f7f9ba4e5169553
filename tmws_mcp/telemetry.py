"""Logging to stderr: stdout belongs to the protocol.

One event is one line, `<package>.<past tense>` with its figures: JSON where stderr is a pipe (a
client's log file), coloured text on a terminal. The text of a memory, a query, an error or an
argument is never logged.
"""

import logging
import sys

import structlog

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


def configure_logging(level: str) -> None:
    """Send our events and those of the libraries to stderr from `level` upwards.

    Called before the MCP server is built: it leaves a configured root logger alone.
    """
    number = LEVELS[level]
    logging.basicConfig(
        stream=sys.stderr, level=number, format="%(levelname)s %(name)s %(message)s", force=True
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # The stream is looked up at each event: a server on stdio moves the descriptors about.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _renderer() -> structlog.typing.Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.JSONRenderer()


def get_logger(package: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of a package; `package` stands in each of its events."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(package=package)
    return logger
