"""Logging of every process: one format, as text or JSON, with fields that a search can use.

A log call names its fields with `extra=`: `log.warning("...", extra={"topic": topic, "partition": 3, "offset": 17})`.
They stand behind the message in a text, and as members of their own in JSON.
"""

import json
import logging
import sys
import time
from typing import Any, ClassVar, Literal, TextIO

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.setting import stated_default

FIELDS = ("job", "device", "topic", "partition", "offset", "request_id")
"""In this order. Anything else that `extra=` names is for handlers of libraries and is not written."""

SAME_AGAIN_S = 30.0

LIBRARIES = {
    "kafka": logging.WARNING,
    "kafka.net.selector": logging.ERROR,  # says of every busy moment that it is busy
    "httpx": logging.WARNING,  # each request is a line
    "uvicorn.error": logging.WARNING,
    "websockets.server": logging.WARNING,  # each connection is a line
}


class LogSettings(BaseSettings):
    """HEADRACE_LOG_LEVEL and HEADRACE_LOG_FORMAT."""

    READ_BY: ClassVar[str] = "every process and command"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_LOG_", env_ignore_empty=True, frozen=True, extra="ignore")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] | None = Field(
        None,
        description="Lines below this level are not written.",
        json_schema_extra=stated_default("`INFO` for processes, `WARNING` for commands"),
    )
    format: Literal["text", "json"] = Field("text", description="Text for people, JSON for a log store.")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, the fields, and the exception if any."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _instant(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)  # in ASCII: no name of a device ends the line


class TextFormatter(logging.Formatter):
    """`2026-11-30T12:00:00.123Z WARNING connectors.stores: message [topic=telemetry.late partition=0]`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={_one_line(value)}" for name, value in _fields(record).items())
        behind = f" [{fields}]" if fields else ""
        line = f"{_instant(record)} {record.levelname} {record.name}: {record.getMessage()}{behind}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class RepetitionFilter(logging.Filter):
    """Lets a message through once in 30 s: a client that reconnects for an hour would log it two hundred times."""

    def __init__(self) -> None:
        super().__init__()
        self._last_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        template = str(record.msg).partition(":")[0]
        now_s = time.monotonic()
        if now_s - self._last_s.get(template, -SAME_AGAIN_S) < SAME_AGAIN_S:
            return False
        self._last_s[template] = now_s
        return True


def configure(
    default_level: str = "INFO", settings: LogSettings | None = None, stream: TextIO | None = None
) -> logging.Handler:
    """For the whole process, once, where it starts; what an earlier call set up is replaced. To standard error.

    `default_level` holds where HEADRACE_LOG_LEVEL says nothing.
    """
    settings = settings or LogSettings()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.format == "json" else TextFormatter())
    only_from_kafka = RepetitionFilter()
    handler.addFilter(lambda record: not record.name.startswith("kafka.") or only_from_kafka.filter(record))
    level = settings.level or default_level
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, at_least in LIBRARIES.items():
        logging.getLogger(name).setLevel(max(at_least, logging.getLevelNamesMapping()[level]))
    return handler


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}


def _instant(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03}Z"


def _one_line(value: object) -> str:
    """A device names itself: what it is called may not begin a line of its own."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)
