"""What an answer from Apple changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.app.calls import make_calls
from bridge.clients.apple.client import WalkStep
from bridge.clients.apple.replies import (
    AssetCounts,
    AssetsPage,
    Assignment,
    AssignmentsPage,
    Envelope,
    EventFailure,
    EventReply,
    StatusReply,
)
from bridge.domain.model import Asset, Pair, Target
from bridge.engine.context import Context
from bridge.store import agenda, meta
from bridge.store.database import Database
from bridge.store.licences import assignments, history, locations, request_pairs, requests
from bridge.store.outbox import outbox
from tests.unit.engine_kit import POLICY, Answer, FakeClients, configuration, dirty
from tests.unit.store_kit import (
    KEYNOTE,
    NOW,
    PAGES,
    make_install,
    make_request,
    newest,
    pair,
    value,
)
from tests.unit.store_kit import held as held_now

A, B, C = pair("A"), pair("B"), pair("C")
NOBODY = Envelope(None, None, None)


def open_request(database: Database, *pairs: Pair, at: float = NOW) -> int:
    """A request that Apple has answered with the event E."""
    with database.write() as db:
        request_id = make_request(db, *pairs, now=at)
        for each in pairs:
            make_install(db, each.holder, each.asset)
        requests.update(db, request_id, state="open", apple_event_id="E", next_status_at=at + 30)
        db.execute("UPDATE outbox SET state = 'done'")
        db.execute("UPDATE installs SET dirty_at = NULL")
    return request_id


def status(word: str, done: int | None, of: int | None, *failures: EventFailure) -> StatusReply:
    return StatusReply(NOBODY, word, "ASSOCIATE", of, done, failures)


def failure(number: int, serials: Sequence[str] = (), assets: Sequence[Asset] = ()) -> EventFailure:
    return EventFailure(number, "text", tuple(serials), (), tuple(assets))


def pair_states(database: Database) -> dict[str, str]:
    with database.read() as db:
        found = db.execute("SELECT target, state FROM request_pairs ORDER BY id")
        return {row[0]: row[1] for row in found}


STATUSES: dict[str, tuple[StatusReply, str, str]] = {
    "done": (status("COMPLETE", 2, 2), "done", "AB confirmed"),
    "another event's, done": (status("COMPLETE", 1, 1), "in_doubt", "AB open"),
    "done, but not all": (status("COMPLETE", 1, 2), "in_doubt", "AB open"),
    "done, nobody says how many": (status("COMPLETE", None, None), "in_doubt", "AB open"),
    "done, with a failure": (
        status("COMPLETE", 2, 2, failure(9709, ["A"])),
        "in_doubt",
        "A failed B open",
    ),
    "one failed by its serial": (
        status("FAILED", 1, 2, failure(9709, ["a"])),
        "in_doubt",
        "A failed B open",
    ),
    "all failed by the app": (
        status("FAILED", 0, 2, failure(9709, [], [PAGES])),
        "done",
        "AB failed",
    ),
    "one failed by both": (
        status("FAILED", 1, 2, failure(9709, ["B"], [PAGES])),
        "in_doubt",
        "A open B failed",
    ),
    "another app failed": (
        status("FAILED", 1, 2, failure(9709, ["A"], [KEYNOTE])),
        "in_doubt",
        "AB open",
    ),
    "a failure that names nobody": (
        status("FAILED", 1, 2, failure(9709)),
        "in_doubt",
        "AB open",
    ),
    "all failed, and nobody is named": (
        status("FAILED", 0, 2, failure(9709)),
        "done",
        "AB failed",
    ),
    "failed without a word": (status("FAILED", 0, 2), "in_doubt", "AB open"),
    "a status of tomorrow": (status("PARTIAL", 1, 2), "in_doubt", "AB open"),
}


@pytest.mark.parametrize("case", STATUSES)
def test_what_the_status_of_an_event_settles(database: Database, answer: Answer, case: str) -> None:
    reply, request_state, expected = STATUSES[case]
    request_id = open_request(database, A, B)
    answer("event_status", str(request_id), reply, at=NOW + 30)
    words = expected.split()
    states = {name: word for names, word in zip(words[::2], words[1::2], strict=True)
              for name in names}  # fmt: skip
    assert pair_states(database) == states
    with database.read() as db:
        request = requests.get(db, request_id)
        licensed = held_now(db, "A", "B")
        assert request.state == request_state
        assert request.status_asked_at == NOW + 30
        assert request.next_read_at == (NOW + 30 if request_state == "in_doubt" else None)
        assert {p.holder for p in licensed} == {n for n, s in states.items() if s == "confirmed"}
        numbers = db.execute("SELECT DISTINCT error_number FROM request_pairs WHERE error_number")
        assert [row[0] for row in numbers] == ([9709] if "failed" in expected else [])
    assert dirty(database) >= {name for name, word in states.items() if word != "open"}


@pytest.mark.parametrize(("age", "expected"), [(599, "open"), (600, "in_doubt")])
def test_an_event_may_be_pending_for_ten_minutes(
    database: Database, answer: Answer, age: float, expected: str
) -> None:
    request_id = open_request(database, A)
    answer("event_status", str(request_id), status("PENDING", 0, 1), at=NOW + age)
    with database.read() as db:
        request = requests.get(db, request_id)
    assert request.state == expected
    if expected == "open":
        assert request.next_status_at == NOW + age + 30
    else:
        assert request.next_read_at == NOW + age
        assert dirty(database) == {"A"}


def test_an_event_that_was_settled_meanwhile_is_not_asked_about(
    database: Database, answer: Answer
) -> None:
    request_id = open_request(database, A)
    with database.write() as db:
        requests.update(db, request_id, state="done")
    answer("event_status", str(request_id), ZeroDivisionError("not to be called"))
    assert pair_states(database) == {"A": "open"}


def page(*held: Pair, envelope: Envelope = NOBODY) -> AssignmentsPage:
    listed = tuple(Assignment(p.asset, Target("serial", p.holder)) for p in held)
    return AssignmentsPage(envelope, 0, None, 1, "v1", listed)


def walk(*held: Pair, changed: bool = False, **more: Any) -> list[WalkStep[AssignmentsPage]]:
    return [WalkStep(page(*held, **more), "v1", changed)]


def doubted(database: Database, *pairs: Pair) -> int:
    request_id = open_request(database, *pairs)
    with database.write() as db:
        requests.doubt(db, request_id, next_read_at=NOW, detail="")
    return request_id


@pytest.mark.parametrize(
    ("began", "next_read", "states"),
    [
        (0, 30, {"A": "confirmed", "B": "open"}),
        (585, 600, {"A": "confirmed", "B": "open"}),
        (599, 600, {"A": "confirmed", "B": "open"}),
        (600, None, {"A": "confirmed", "B": "missing"}),
    ],
)
def test_a_request_in_doubt_is_looked_for_until_it_must_have_come(
    database: Database, answer: Answer, began: float, next_read: float | None, states: Any
) -> None:
    request_id = doubted(database, A, B)
    answer("read_request", str(request_id), walk(A, C), at=NOW + began)
    assert pair_states(database) == states
    with database.read() as db:
        request = requests.get(db, request_id)
        assert held_now(db, "C") == {}, "only what it asked for"
        counted = meta.counters(db).get("associate.missing")
    assert request.next_read_at == (None if next_read is None else NOW + next_read)
    assert request.state == ("done" if next_read is None else "in_doubt")
    assert counted == (1 if next_read is None else None)


def test_a_slow_read_is_as_old_as_its_beginning(database: Database, answer: Answer) -> None:
    request_id = doubted(database, A)
    answer("read_request", str(request_id), walk(), at=NOW + 599, took=30)
    assert pair_states(database) == {"A": "open"}
    with database.read() as db:
        assert requests.get(db, request_id).next_read_at == NOW + 629


def test_an_event_that_is_known_by_now_is_waited_for(database: Database, answer: Answer) -> None:
    request_id = doubted(database, A)
    with database.write() as db:
        requests.update(db, request_id, state="open")
    answer("read_request", str(request_id), walk(), at=NOW + 700)
    assert pair_states(database) == {"A": "open"}


def held(database: Database) -> set[Pair]:
    with database.read() as db:
        return set(held_now(db, "A", "B", "C"))


def hold(database: Database, *pairs: Pair, at: float = NOW - 100) -> None:
    with database.write() as db:
        assignments.confirm(db, "hq", pairs, told_by="read", now=at)


def test_one_devices_licences_are_as_apple_lists_them(database: Database, answer: Answer) -> None:
    other, plus = pair("A", KEYNOTE), Pair(Asset(PAGES.adam_id, "PLUS"), "A")
    hold(database, A, B, other)
    with database.write() as db:
        make_install(db, "A")
        db.execute("UPDATE installs SET dirty_at = NULL")
    subject = {"holder": "A", "adam_ids": [PAGES.adam_id]}
    answer("read_device", subject, walk(plus))
    assert held(database) == {B, other, plus}, "the others were not asked about"
    assert dirty(database) == {"A"}


def test_a_look_at_a_pair_that_was_refused_is_noted(database: Database, answer: Answer) -> None:
    request_id = open_request(database, A, B)
    with database.write() as db:
        request_pairs.settle(
            db, "hq", [A, B], state="failed", told_by="status", now=NOW, request_id=request_id
        )
    answer("read_device", {"holder": "A", "adam_ids": [PAGES.adam_id]}, walk(), at=NOW + 5)
    with database.read() as db:
        found = newest(db, "A", "B")
    assert (found[A].looked_at, found[B].looked_at) == (NOW + 5, None)


def test_what_was_confirmed_since_the_read_began_stays(database: Database, answer: Answer) -> None:
    hold(database, A, at=NOW)
    subject = {"holder": "A", "adam_ids": [PAGES.adam_id]}
    answer("read_device", subject, walk(), at=NOW, took=5)
    assert held(database) == {A}
    answer("read_device", subject, walk(), at=NOW + 1)
    assert held(database) == set()


@pytest.mark.parametrize("changed", [False, True])
def test_a_full_read_tells_who_holds_what(
    database: Database, answer: Answer, changed: bool
) -> None:
    hold(database, A, B)
    hold(database, C, at=NOW)
    answer("read_assignments", "", walk(A, changed=changed), took=9)
    assert held(database) == ({A, B, C} if changed else {A, C})
    with database.read() as db:
        location = locations.get(db, "hq")
        again_at = db.execute("SELECT next_at FROM schedule").fetchall()
    assert (location.assignments_read_at, location.assignments_version) == (NOW + 9, "v1")
    assert [row[0] for row in again_at] == ([NOW + 10] if changed else [])


def counts(asset: Asset, available: int | None) -> AssetCounts:
    return AssetCounts(
        asset, "App", True, True, ("iOS",), available is None, 0, available, 0, available
    )


def test_counts_are_as_old_as_the_beginning_of_their_read(
    database: Database, answer: Answer
) -> None:
    with database.write() as db:
        make_install(db, "A")
        make_install(db, "B", KEYNOTE, location="branch")
        db.execute("UPDATE installs SET dirty_at = NULL")
    assets = AssetsPage(NOBODY, 0, None, 1, "v1", (counts(PAGES, 3), counts(KEYNOTE, None)))
    answer("read_assets", "", [WalkStep(assets, "v1", False)], took=7)
    with database.read() as db:
        found = locations.asset_facts(db, "hq", [PAGES, KEYNOTE])
        assert found[PAGES].read_at == NOW
        assert history.free_seats(db, "hq", PAGES, found[PAGES]) == 3
        assert found[KEYNOTE].unlimited is True
        assert locations.get(db, "hq").assets_read_at == NOW + 7
    assert dirty(database) == {"A"}


def test_the_reply_that_names_the_event(database: Database, tmp_path: Path) -> None:
    reply = EventReply(replace(NOBODY, library_uid="77"), "E")
    calls = make_calls(database, FakeClients(reply), configuration(tmp_path))
    with database.write() as db:
        request_id = make_request(db, A, B, sent=False)
        (row,) = outbox.claim(db, NOW, 1, "apple", "hq")
        calls["associate"].begin(Context(db, POLICY, NOW), row)
    result = calls["associate"].perform(row)
    with database.write() as db:
        calls["associate"].settle(Context(db, POLICY, NOW + 3), row, result)
        request = requests.get(db, request_id)
        assert (request.state, request.apple_event_id) == ("open", "E")
        assert (request.submitted_at, request.next_status_at) == (NOW, NOW + 33)
        assert state_of_row(db, row.id) == "done"


def test_a_notification_that_was_quicker_leaves_nothing_to_ask(
    database: Database, tmp_path: Path
) -> None:
    calls = make_calls(database, FakeClients(EventReply(NOBODY, "E")), configuration(tmp_path))
    with database.write() as db:
        request_id = make_request(db, A, sent=False)
        (row,) = outbox.claim(db, NOW, 1, "apple", "hq")
        calls["associate"].begin(Context(db, POLICY, NOW), row)
    result = calls["associate"].perform(row)
    with database.write() as db:
        request_pairs.settle(
            db, "hq", [A], state="confirmed", told_by="notification", now=NOW,
            request_id=request_id,
        )  # fmt: skip
        calls["associate"].settle(Context(db, POLICY, NOW), row, result)
        assert requests.get(db, request_id).state == "done"
        assert agenda.look(db, NOW).timers_at is None


def state_of_row(db: Any, row_id: int) -> str:
    return str(value(db, "SELECT state FROM outbox WHERE id = ?", row_id))
