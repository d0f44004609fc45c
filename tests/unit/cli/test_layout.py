"""Tables and texts at some width: nothing runs over, no word is broken, nothing goes in silence."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bridge.cli import layout

COLUMNS = ("serial", "app", "reason", "sentence")
ROWS = [
    ("SIM0000001", "361309726", "NO_SEAT", "no licence for Pages is free at hq: 2 of 2 are in use"),
    ("SIM0000002", "361309726", "INSTALLED", "Pages is installed"),
]
LEFT = (False,) * 4


def lines(width: int, **options: object) -> list[str]:
    return list(layout.fit(COLUMNS, ROWS, LEFT, width, **options).lines)  # type: ignore[arg-type]


def test_what_has_room_stays_as_it_is() -> None:
    assert lines(200)[1] == "  ".join(["SIM0000001", "361309726", "NO_SEAT  ", ROWS[0][3]])


def test_sentences_are_wrapped_between_words() -> None:
    assert lines(60) == [
        "serial      app        reason     sentence",
        "SIM0000001  361309726  NO_SEAT    no licence for Pages is",
        "                                  free at hq: 2 of 2 are in",
        "                                  use",
        "SIM0000002  361309726  INSTALLED  Pages is installed",
    ]


def test_a_list_has_a_line_for_each_row() -> None:
    assert lines(60, crop=True) == [
        "serial      app        reason     sentence",
        "SIM0000001  361309726  NO_SEAT    no licence for Pages is f\u2026",
        "SIM0000002  361309726  INSTALLED  Pages is installed",
    ]


def test_spare_columns_go_first_and_are_named() -> None:
    fitted = layout.fit(COLUMNS, ROWS, LEFT, 40, crop=True, spare=("sentence", "reason"))
    assert fitted.lines[1] == "SIM0000001  361309726  NO_SEAT"
    assert fitted.left_out == ["sentence"]


def test_a_moment_is_one_word() -> None:
    rows = [("2027-01-15 08:00:00Z", "it is so since then, as far as anybody knows")]
    for crop in (True, False):
        shown = layout.fit(("at", "what"), rows, (False, False), 40, crop=crop).lines
        assert shown[1].startswith("2027-01-15 08:00:00Z  it is so")
    assert layout.wrapped("at 2027-01-15 08:00:00Z or so", 16) == [
        "at",
        "2027-01-15 08:00:00Z",
        "or so",
    ]


def test_what_still_has_no_room_becomes_a_block_for_each_row() -> None:
    assert lines(24)[:4] == ["", "serial    SIM0000001", "app       361309726", "reason    NO_SEAT"]
    assert "SIM0000002" in "\n".join(lines(5)), "an id is never broken, however little room"


def test_a_chinese_name_takes_two_columns_a_character() -> None:
    rows = [("\u524d\u53f0", "1"), ("ab", "22")]
    shown = layout.fit(("name", "n"), rows, (False, True), 80).lines
    assert [cell_len(line) for line in shown] == [8, 8, 8]


texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12)
cells = st.lists(texts, max_size=4).map(" ".join)


@given(
    st.lists(st.tuples(cells, cells, cells), max_size=4),
    st.integers(1, 100),
    st.booleans(),
    st.booleans(),
)
def test_no_line_is_longer_than_the_terminal(
    rows: list[tuple[str, str, str]], width: int, crop: bool, spare: bool
) -> None:
    columns = ("one", "two", "three")
    fitted = layout.fit(
        columns, rows, (False, True, False), width, crop=crop, spare=columns[:1] if spare else ()
    )
    longest = max(cell_len(w) for row in (columns, *rows) for c in row for w in c.split())
    names = len("three") + layout.GAP
    room = max(width, longest + 2 * names)
    assert all(cell_len(line) <= room for line in fitted.lines)
    if not crop and not fitted.left_out:
        shown = " ".join(fitted.lines).split()
        assert all(word in shown for row in rows for cell in row for word in cell.split())
