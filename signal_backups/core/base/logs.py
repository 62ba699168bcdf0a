"""Logging, one line a step: as text or JSON, to standard error and to a file."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from pythonjsonlogger.json import JsonFormatter
from typing_extensions import override

from signal_backups.core.base.file_locks import exclusive

LogFormat = Literal["json", "text"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

#: Size at which a log file is rotated, and how many rotated files are kept.
MAX_FILE_BYTES = 10 * 1024**2
OLD_FILES = 5

#: Parent of all our loggers.
_LOGGER = "signal_backups"
_FIELDS = "fields"


def log_step(
    logger: logging.Logger,
    step: str,
    partition: date | None,
    *,
    seconds: float,
    uri: str | None = None,
    size: int | None = None,
    **more: Any,
) -> None:
    """Say that a step is done; what is None is left out.

    Args:
        logger: of the module that did it.
        step: which, in a word.
        partition: the UTC day it was about.
        seconds: how long it took.
        uri: the object it was about.
        size: how many bytes.
        more: what else is worth knowing; never a secret.
    """
    fields = {
        "step": step,
        "partition": partition.isoformat() if partition else None,
        "object": uri,
        "bytes": size,
        "seconds": round(seconds, 3),
        **more,
    }
    logger.info("%s done", step, extra={_FIELDS: {name: value for name, value in fields.items() if value is not None}})


def log_failed_step(logger: logging.Logger, step: str, reason: str, about: Mapping[str, Any]) -> None:
    """Say that a step failed.

    Args:
        logger: of the module that did it.
        step: which, in a word.
        reason: why, without secrets.
        about: what it was about, in JSON's types; ``day`` is called ``partition`` as with steps that are done.
    """
    fields = {"partition" if name == "day" else name: value for name, value in about.items()}
    logger.error("%s failed", step, extra={_FIELDS: {"step": step, **fields, "error": reason}})


def configure_logging(log_format: LogFormat | None, log_level: LogLevel | None, log_file: Path | None) -> None:
    """Send our logs to standard error and, where one is named, to a file; replaces any earlier configuration.

    Without format and level, standard error gets warnings as plain text and no steps.
    """
    logger = logging.getLogger(_LOGGER)
    for old in [handler for handler in logger.handlers if isinstance(handler, _OURS)]:
        logger.removeHandler(old)
        old.close()
    level = log_level or "INFO"
    structured: logging.Formatter = _JsonLines() if log_format == "json" else _TextLines()
    is_asked = log_format is not None or log_level is not None
    stream = _ErrorStream()
    if not is_asked:
        stream.addFilter(lambda record: not hasattr(record, _FIELDS))
    _add(logger, stream, level if is_asked else "WARNING", structured if is_asked else logging.Formatter())
    if log_file is not None:
        _add(logger, _SharedFile(log_file.absolute()), level, structured)
    logger.setLevel(min(handler.level for handler in logger.handlers if isinstance(handler, _OURS)))


def _add(logger: logging.Logger, handler: logging.Handler, level: str, formatter: logging.Formatter) -> None:
    handler.setLevel(level)
    handler.setFormatter(formatter)
    logger.addHandler(handler)


class _JsonLines(JsonFormatter):
    """``time`` (UTC), ``level``, ``logger``, ``message``, and the fields of a step beside them."""

    def __init__(self) -> None:
        names = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "traceback"}
        super().__init__(["asctime", "levelname", "name", "message"], rename_fields=names, json_default=str)

    @override
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return _time(record)

    @override
    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = log_data.pop(_FIELDS, {})
        return {**log_data, **fields}


class _TextLines(logging.Formatter):
    """The same for people, always in one line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, _FIELDS, {}).items())
        parts = [_time(record), record.levelname, record.name, record.getMessage(), fields]
        text = " ".join(part for part in parts if part)
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return text.replace("\n", "\\n")


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _ErrorStream(logging.StreamHandler[Any]):
    """Standard error."""


class _SharedFile(RotatingFileHandler):
    """A file that several processes may write to, one at a time; when one of them rotates it, the others follow."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
        self._path = path
        self._lock_file = path.with_name(f"{path.name}.lock")
        self._is_broken = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(self._lock_file):
                self._follow()
                super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Report once that the file cannot be written; logging must never end the work that is logged."""
        del record
        if not self._is_broken:
            self._is_broken = True
            sys.stderr.write(f"Cannot write the log file {self._path}: {sys.exc_info()[1]}. Going on without it\n")

    def _follow(self) -> None:
        if self.stream is None:
            return
        opened = os.fstat(self.stream.fileno())
        if not (self._path.exists() and os.path.samestat(opened, self._path.stat())):
            self.stream.close()
            self.stream = None


_OURS = (_ErrorStream, _SharedFile)
