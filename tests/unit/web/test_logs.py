"""Logs: one event a line, fixed keys, no secrets."""

import json
import logging
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import bridge
from bridge.errors import ConfigError
from bridge.logs import (
    KEYS,
    LEVELS,
    JsonFormatter,
    Level,
    LogfmtFormatter,
    redact,
    setup_logging,
)


def record(message: str = "stored", *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("bridge.x", logging.WARNING, "x.py", 1, message, args, None)
    made.created = 1795325176.5
    vars(made).update(extra)
    return made


def test_a_line_has_time_level_message_and_what_it_is_about() -> None:
    line = LogfmtFormatter().format(
        record("stored %d", 2, server="main", event_id="e-1", payload="secret", status=0)
    )
    assert line == (
        'ts=2026-11-22T05:26:16.500Z level=warning msg="stored 2" event_id=e-1 server=main status=0'
    )


def test_json_has_the_same_keys() -> None:
    made = record("stored", device_serial="C02X", payload="secret")
    assert json.loads(JsonFormatter().format(made)) == {
        "ts": "2026-11-22T05:26:16.500Z",
        "level": "warning",
        "msg": "stored",
        "device_serial": "C02X",
    }


def test_every_key_is_written() -> None:
    made = record(**dict.fromkeys(KEYS, "x"))
    assert list(json.loads(JsonFormatter().format(made))) == ["ts", "level", "msg", *KEYS]
    assert all(f" {key}=x" in LogfmtFormatter().format(made) for key in KEYS)


@pytest.mark.parametrize("formatter", [LogfmtFormatter(), JsonFormatter()])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "two\nlines",
        "a\rb",
        "\u2028",
        "\x85",
        "\x1b[31m",
        'a "b" c',
        "a=b",
        "a\\b",
        "\ud800",
        "ü",
    ],
)
def test_an_event_is_one_line_whatever_it_says(formatter: logging.Formatter, text: str) -> None:
    line = formatter.format(record(text, server=text))
    assert len(line.splitlines()) == 1
    line.encode()
    if isinstance(formatter, JsonFormatter):
        assert json.loads(line)["msg"] == text


def test_an_empty_value_is_seen_to_be_one() -> None:
    assert LogfmtFormatter().format(record("", server="")).endswith(' msg="" server=""')


def test_values_can_be_read_back() -> None:
    line = LogfmtFormatter().format(record('it said "no" at x=1', location="hq 2"))
    fields = dict(part.split("=", 1) for part in shlex.split(line))
    assert (fields["msg"], fields["location"]) == ('it said "no" at x=1', "hq 2")


@pytest.mark.parametrize("formatter", [LogfmtFormatter(), JsonFormatter()])
def test_a_traceback_is_part_of_the_line_and_holds_no_token(formatter: logging.Formatter) -> None:
    made = record("failed")
    try:
        raise ValueError("Authorization: Bearer abcdefgh12345 at https://me:pass@example.org/")
    except ValueError as error:
        made.exc_info = (ValueError, error, error.__traceback__)
    line = formatter.format(made)
    assert "ValueError" in line and "test_logs.py" in line
    assert len(line.splitlines()) == 1
    assert "abcdefgh" not in line and "pass@" not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Basic bWljcm9tZG06a2V5", "Basic …"),
        ("bearer  a.b-c_d~e+f/g=", "bearer  …"),
        ("POST https://user:pa%20ss@mdm.example.org/x", "POST https://…@mdm.example.org/x"),
        ("mail to admin@example.org", "mail to admin@example.org"),
        ("https://example.org/@here", "https://example.org/@here"),
        ("the basic rule", "the basic rule"),
    ],
)
def test_credentials_are_left_out(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.fixture
def own_loggers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `setup_logging` changes is as it was afterwards."""
    for name in (None, "bridge", "urllib3"):
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "handlers", list(logger.handlers))
        monkeypatch.setattr(logger, "propagate", logger.propagate)
    levels = {name: logging.getLogger(name).level for name in (None, "bridge")}
    yield
    logging.captureWarnings(False)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("own_loggers")
@pytest.mark.parametrize(("form", "start"), [(None, "ts="), ("logfmt", "ts="), ("json", "{")])
def test_the_environment_chooses_the_form(
    form: str | None, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        setup_logging({} if form is None else {"BRIDGE_LOG_FORMAT": form})
    logging.getLogger("bridge.x").info("hello")
    logging.getLogger("bridge.x").debug("not shown")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(start) and "hello" in line


@pytest.mark.usefixtures("own_loggers")
@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_shown_from_there_on(level: Level, capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging({}, level)
    for each in LEVELS:
        logging.getLogger("bridge.x").log(getattr(logging, each.upper()), each)
    said = [line.split("msg=")[1] for line in capsys.readouterr().err.splitlines()]
    assert said == list(LEVELS[LEVELS.index(level) :])


@pytest.mark.usefixtures("own_loggers")
def test_libraries_are_heard_from_warning_on_and_urllib3_never(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging({}, "debug")
    for name in ("gunicorn.x", "urllib3.connectionpool", "another"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "https://example.org/hooks/a-secret-path")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and all("level=warning" in line for line in said)


def test_an_unknown_form_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="BRIDGE_LOG_FORMAT: 'xml' is unknown"):
        setup_logging({"BRIDGE_LOG_FORMAT": "xml"})


def test_the_keys_are_explained_in_their_order() -> None:
    text = (Path(bridge.__file__).parents[1] / "docs" / "logs.md").read_text()
    rows = re.findall(r"^\| (`[^|]*`) \|", text.split("## Keys")[1], re.MULTILINE)
    assert tuple(re.findall("`([^`]+)`", " ".join(rows))) == KEYS
