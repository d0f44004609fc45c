"""What commands print: aligned, on one line each, and harmless to a terminal."""

import io
from functools import partial

import pytest
from rich.console import Console

from bridge.cli import show

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("done", "whole", "filled"), [(0, 0, 0), (0, 9, 0), (1, 4, 5), (4, 4, 20), (7, 4, 20)]
)
def test_a_bar_is_as_full_as_the_work_is_done(done: int, whole: int, filled: int) -> None:
    assert show.bar(done, whole) == "[" + "#" * filled + "-" * (20 - filled) + "]"


def test_a_moment_names_the_time_in_utc_and_its_distance() -> None:
    assert show.moment("2027-01-15T07:59:00.000Z", NOW) == "2027-01-15 07:59:00Z, 1 min ago"
    assert show.moment(None, NOW) == "never"


def test_a_table_is_aligned_and_numbers_stand_right(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("name", "count", "more"), [("a", 1, None), ("long name", 20, "x")])
    assert capsys.readouterr().out.splitlines() == [
        "name       count  more",
        "a              1  -",
        "long name     20  x",
    ]


def test_a_table_without_rows_shows_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("a", "b"), [])
    assert capsys.readouterr().out == "a  b\n"


def test_what_devices_say_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show.line("evil \x1b[2Jname\r\n")
    show.table(("x",), [("a\x1b[0m\nb",)])
    said = capsys.readouterr().out
    assert "\x1b" not in said and said.count("\n") == 3


def test_a_table_on_a_terminal_shows_markup_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(show, "on_terminal", lambda: True)
    show.table(("name",), [("[red]x[/red]",)])
    assert "[red]x[/red]" in capsys.readouterr().out


def test_csv_has_a_line_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    show.as_csv(["a", None, True, False, 3, 'says "no", twice', "two\r\nlines", "\x1b[2J"])
    assert capsys.readouterr().out == 'a,,true,false,3,"says ""no"", twice",two  lines, [2J\n'


def test_progress_is_printed_once_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    with show.progress() as view:
        view.update({"a": "reading", "b": "waiting"})
        view.update({"a": "reading", "b": "waiting"})
        view.update({"a": "done", "b": "waiting"})
    assert capsys.readouterr().out.splitlines() == ["a: reading", "b: waiting", "a: done"]


def test_quiet_progress_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with show.progress(quiet=True) as view:
        view.update({"a": "reading"})
    assert capsys.readouterr().out == ""


def test_progress_on_a_terminal_ends_with_the_last_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(show, "on_terminal", lambda: True)
    monkeypatch.setattr(
        "rich.console.Console", partial(Console, file=screen, force_terminal=True, width=60)
    )
    with show.progress() as view:
        view.update({"assets of hq": "reading"})
        view.update({"assets of hq": "3, done"})
    assert "assets of hq: 3, done" in screen.getvalue()


def test_progress_has_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(show, "on_terminal", lambda: True)
    monkeypatch.setattr(
        "rich.console.Console",
        partial(Console, file=screen, force_terminal=True, width=60, color_system="standard"),
    )
    with show.progress() as view:
        view.update({"done": f"{show.bar(1, 2)} 1 of 2"})
    assert "\x1b[32m##########\x1b[0m" in screen.getvalue()
