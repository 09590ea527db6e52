"""Structured logs on standard output, one JSON object a line, with ids and codes only."""

import contextlib
import json
import logging
import sys
from typing import TextIO, cast

import structlog


def configure_logging(level: str) -> None:
    """Every log line of this process becomes JSON; exception texts are kept out, their types and places stay."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(_NameAndKind())
    logging.basicConfig(level=level.upper(), handlers=[lines])
    for noisy in ("uvicorn", "uvicorn.error", "uvicorn.access", "nats", "asyncio", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _places_without_texts,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Lossy())),
        cache_logger_on_first_use=True,
    )


class _Lossy:
    """Standard output, of which a line is lost where it cannot be written: a full disk must not end what the line is about."""

    def write(self, text: str) -> int:
        """Passes it on, if that can be done; how much was given is what it answers."""
        with contextlib.suppress(OSError):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        """What was not written yet goes on, if it can."""
        with contextlib.suppress(OSError):
            sys.stdout.flush()


class _NameAndKind(logging.Formatter):
    """What other libraries log: which logger, how grave, what kind of error; their messages may quote anything."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"event": record.name, "level": record.levelname.lower()}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line |= {"kind": type(error).__name__}
        return json.dumps(line)


def _places_without_texts(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        # The text of an exception may quote a value that somebody sent; where it arose may not.
        places = []
        trace = error.__traceback__
        while trace is not None:
            places.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["kind"] = type(error).__name__
        event["places"] = places[-12:]
    return event
