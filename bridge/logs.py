"""Logs on standard error: one event a line, with fixed keys, and never a secret.

logfmt by default, JSON lines with BRIDGE_LOG_FORMAT=json. What an event is about goes in through
`extra`, under the names in `KEYS`; anything else in `extra` is left out, so that a payload cannot
get into the logs by accident. A test holds that every name which the code uses is one of them.

What each level is for stands in docs/logs.md. Libraries are heard from warning on, whatever the
level: what they say beside that names whole addresses, and bodies. urllib3 is not heard at all: its
warnings name the path and query of a request, which are secret for some listeners, and our own
clients tell how each request ended.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from bridge.errors import ConfigError

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)

KEYS = (
    "event_id",
    "device_serial",
    "device_udid",
    "command_uuid",
    "request_type",
    "location",
    "server",
    "receiver",
    "adam_id",
    "apple_event_id",
    "outbox_id",
    "state",
    "reason",
    "detail",
    "attempts",
    "topic",
    "outcome",
    "method",
    "path",
    "status",
    "error_number",
    "duration_ms",
    "who",
    "adds",
    "removes",
    "changes",
    "held_back",
    "times",
    "tries",
    "error",
)
"""What an event may be about, in the order of a line; after `ts`, `level` and `msg`."""

_FORMAT = "BRIDGE_LOG_FORMAT"
_SECRETS = (
    (re.compile(r"\b(bearer|basic)(\s+)[\w+/=.~-]{6,}", re.IGNORECASE), r"\1\2…"),
    (re.compile(r"(://)(?!mdm:<webhook_key>@)[^/\s@]+@"), r"\1…@"),
)


def setup_logging(environ: Mapping[str, str], level: Level = "info") -> None:
    """Send our logs from `level` on to standard error, in the form that `environ` asks for.

    May be called again; the last call counts. Raises ConfigError when BRIDGE_LOG_FORMAT is
    neither logfmt nor json.
    """
    form = environ.get(_FORMAT) or "logfmt"
    if form not in ("logfmt", "json"):
        raise ConfigError([f"{_FORMAT}: {form!r} is unknown; write logfmt or json"])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else LogfmtFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    handler.setLevel(level.upper())
    root.setLevel(logging.WARNING)
    logging.getLogger("bridge").setLevel(level.upper())
    logging.getLogger("urllib3").propagate = False
    logging.getLogger("urllib3").handlers[:] = [logging.NullHandler()]
    logging.captureWarnings(True)


class LogfmtFormatter(logging.Formatter):
    """`ts=… level=… msg="…" key=value …`; a value is quoted as in JSON where it needs it."""

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{key}={_logfmt_value(value)}" for key, value in _fields(record).items())


class JsonFormatter(logging.Formatter):
    """One JSON object in ASCII, with the same keys."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_fields(record))


def redact(text: str) -> str:
    """`text` without what follows Basic or Bearer, and without the credentials in its URLs.

    The last line of defence: messages are not supposed to hold any of it.
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _fields(record: logging.LogRecord) -> dict[str, str | int | float]:
    moment = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
    fields: dict[str, str | int | float] = {
        "ts": moment.isoformat(timespec="milliseconds") + "Z",
        "level": record.levelname.lower(),
        "msg": redact(record.getMessage()),
    }
    for key in KEYS:
        value = getattr(record, key, None)
        if value is not None:
            fields[key] = value if isinstance(value, int | float) else redact(str(value))
    if record.exc_info and record.exc_info[1] is not None:
        fields["error"] = redact("".join(traceback.format_exception(record.exc_info[1])))
    return fields


def _logfmt_value(value: str | int | float) -> str:
    text = str(value)
    if text.isprintable() and text and not set(text) & set(' ="\\'):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
