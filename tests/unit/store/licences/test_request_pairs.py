"""Requests to Apple and their pairs: unique while open, and what became of them."""

import sqlite3
from typing import Any

import psycopg
import pytest

from bridge.domain.licences.batch import Rectangle
from bridge.domain.model import Asset, Pair
from bridge.domain.policy import RetentionPolicy
from bridge.store import agenda
from bridge.store.database import Connection
from bridge.store.licences import history, request_pairs, requests
from bridge.store.licences.request_pairs import Collection
from tests.unit.store_kit import KEYNOTE, NOW, PAGES, make_request, newest, pair, prune

PLUS = Asset(PAGES.adam_id, "PLUS")
A, B, C = pair("A"), pair("B"), pair("C")
MINUTE, HOUR = 60.0, 3600.0


def want(db: Connection, *pairs: Pair, now: float = NOW, location: str = "hq") -> int:
    return request_pairs.want(db, location, "ASSOCIATE", pairs, now)


def collected(db: Connection) -> set[Pair]:
    return {found.pair for found in request_pairs.collecting(db, "hq", "ASSOCIATE")}


def settle(db: Connection, request_id: int, *pairs: Pair, **changes: Any) -> list[Pair]:
    values = {"state": "confirmed", "told_by": "status", "now": NOW} | changes
    return request_pairs.settle(db, "hq", pairs, request_id=request_id, **values)


def states(db: Connection) -> list[str]:
    return [row[0] for row in db.execute("SELECT state FROM request_pairs ORDER BY id")]


def test_a_pair_is_collected_once(db: Connection) -> None:
    assert want(db, A, A, B) == 2
    assert want(db, A, B, C) == 1
    assert want(db, Pair(PLUS, "A")) == 1, "another price is another licence"
    assert want(db, A, location="branch") == 1
    assert collected(db) == {A, B, C, Pair(PLUS, "A")}


def test_a_pair_is_not_wanted_while_a_request_for_it_is_open(db: Connection) -> None:
    request_id = make_request(db, A, B)
    assert want(db, A, B, C) == 1
    assert collected(db) == {C}
    requests.doubt(db, request_id, next_read_at=NOW, detail="")
    assert want(db, A) == 0
    assert settle(db, request_id, A) == [A]
    assert want(db, A) == 1


def test_the_database_itself_holds_that_rule(db: Connection) -> None:
    make_request(db, A)
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
        db.execute(
            "INSERT INTO request_pairs (location, kind, adam_id, pricing_param, "
            "target, state, ready_at) VALUES ('hq', 'ASSOCIATE', ?, 'STDQ', 'A', "
            "'collected', 0)",
            (PAGES.adam_id,),
        )


def test_a_request_takes_only_its_own_pairs(db: Connection) -> None:
    want(db, A, B, pair("A", KEYNOTE))
    want(db, A, location="branch")
    request_id = requests.make(db, "hq", "ASSOCIATE", Rectangle((PAGES,), ("A", "B")), NOW)
    assert set(request_pairs.open_pairs(db, request_id)) == {A, B}
    assert collected(db) == {pair("A", KEYNOTE)}
    made = requests.get(db, request_id)
    assert (made.state, made.num_requested, made.submitted_at) == ("ready", 2, None)
    row = db.execute("SELECT id, kind, scope, state FROM outbox").fetchone()
    assert tuple(row) == (request_id, "associate", "hq", "ready")


def test_two_requests_may_begin_with_the_same_pair_one_after_the_other(db: Connection) -> None:
    first = make_request(db, A)
    settle(db, first, A, state="failed")
    assert make_request(db, A, now=NOW + 1) != first


def test_only_what_this_settles_is_settled(db: Connection) -> None:
    first, second = make_request(db, A, B), make_request(db, C)
    assert settle(db, first, B, A, C) == [B, A], "C is of another request"
    assert settle(db, first, A, state="failed") == [], "who tells first is right"
    assert states(db) == ["confirmed", "confirmed", "open"]
    assert settle(db, second, C, state="failed", error_number=9709, told_by="reply") == [C]
    row = db.execute("SELECT * FROM request_pairs WHERE target = 'C'").fetchone()
    assert (row["error_number"], row["settled_by"], row["settled_at"]) == (9709, "reply", NOW)


def test_a_request_is_finished_with_its_last_pair(db: Connection) -> None:
    request_id = make_request(db, A, B)
    settle(db, request_id, A)
    assert not requests.finish(db, request_id, "status", NOW)
    settle(db, request_id, B)
    assert requests.finish(db, request_id, "notification", NOW + 1)
    assert not requests.finish(db, request_id, "read", NOW + 2)
    done = requests.get(db, request_id)
    assert (done.state, done.settled_by, done.settled_at) == ("done", "notification", NOW + 1)
    assert requests.unsettled(db) == []


def test_a_request_in_doubt_is_read_for(db: Connection) -> None:
    request_id = make_request(db, A)
    requests.update(db, request_id, state="open", next_status_at=NOW + 30)
    assert agenda.look(db, NOW).timers_at == NOW + 30
    assert requests.due(db, NOW + 29) == []
    assert [r.state for r in requests.due(db, NOW + 30)] == ["open"]
    requests.doubt(db, request_id, next_read_at=NOW + 90, detail="why")
    assert requests.due(db, NOW + 89) == []
    assert [r.state for r in requests.due(db, NOW + 90)] == ["in_doubt"]
    assert agenda.look(db, NOW).timers_at == NOW + 90
    settle(db, request_id, A)
    requests.finish(db, request_id, "read", NOW)
    requests.doubt(db, request_id, next_read_at=NOW, detail="too late")
    assert requests.get(db, request_id).state == "done"
    assert agenda.look(db, NOW).timers_at is None


def test_the_earliest_question_comes_next(db: Connection) -> None:
    first, second, third = (make_request(db, each) for each in (A, B, C))
    for request_id, at in ((first, 40), (second, 30)):
        requests.update(db, request_id, state="open", next_status_at=NOW + at)
    assert agenda.look(db, NOW).timers_at == NOW + 30
    requests.doubt(db, third, next_read_at=NOW + 20, detail="")
    requests.doubt(db, first, next_read_at=NOW + 25, detail="")
    assert agenda.look(db, NOW).timers_at == NOW + 20
    assert [r.id for r in requests.due(db, NOW + 25)] == [first, third]


def test_what_is_not_sent_is_not_in_doubt(db: Connection) -> None:
    request_id = make_request(db, A, sent=False)
    requests.doubt(db, request_id, next_read_at=NOW, detail="")
    assert requests.get(db, request_id).state == "ready"
    assert requests.unsettled(db) == []


def test_collected_pairs_can_be_given_up(db: Connection) -> None:
    make_request(db, A)
    want(db, B, C)
    want(db, B, location="branch")
    request_pairs.leave_line(db, "hq", A, NOW)
    request_pairs.leave_line(db, "hq", B, NOW)
    assert collected(db) == {C}
    assert request_pairs.withdraw_collected(db, "hq", NOW) == [C]
    assert collected(db) == set()
    assert states(db) == ["open", "withdrawn", "withdrawn", "collected"]
    assert want(db, B) == 1


def test_how_long_pairs_have_been_collected(db: Connection) -> None:
    want(db, A, now=NOW)
    want(db, B, now=NOW + 5)
    want(db, B, now=NOW + 9, location="branch")
    request_pairs.want(db, "hq", "DISASSOCIATE", [C], NOW + 7)
    assert request_pairs.collections(db) == [
        Collection("branch", "ASSOCIATE", NOW + 9, NOW + 9, 1),
        Collection("hq", "ASSOCIATE", NOW, NOW + 5, 2),
        Collection("hq", "DISASSOCIATE", NOW + 7, NOW + 7, 1),
    ]


def test_a_refused_request_is_taken_back_to_be_cut_anew(db: Connection) -> None:
    request_id = make_request(db, A, B)
    settle(db, request_id, B)
    requests.take_back(db, request_id, NOW + 5)
    assert collected(db) == {A}
    assert [found.ready_at for found in request_pairs.collecting(db, "hq", "ASSOCIATE")] == [
        NOW + 5
    ]
    assert request_pairs.open_pairs(db, request_id) == []


def adopted(db: Connection, *pairs: Pair, kind: str = "ASSOCIATE") -> int | None:
    found = requests.adopt(db, "hq", kind, pairs)
    return found.id if found else None


@pytest.mark.parametrize(
    ("state", "ours"),
    [("sending", True), ("in_doubt", True), ("ready", False), ("open", False), ("done", False)],
)
def test_a_notification_that_beats_its_reply_is_adopted(
    db: Connection, state: str, ours: bool
) -> None:
    request_id = make_request(db, A, B)
    requests.update(db, request_id, state=state)
    assert adopted(db, B) == (request_id if ours else None)


def test_what_is_not_ours_is_not_adopted(db: Connection) -> None:
    request_id = make_request(db, A, B)
    assert adopted(db) is None
    assert adopted(db, A, C) is None, "we did not ask for C"
    assert adopted(db, A, kind="DISASSOCIATE") is None
    assert requests.adopt(db, "branch", "ASSOCIATE", [A]) is None
    other = make_request(db, C)
    assert adopted(db, A, C) is None, "two requests of ours"
    assert adopted(db, C) == other
    requests.update(db, request_id, apple_event_id="E")
    assert adopted(db, A) is None, "it has its event"
    found = requests.by_event(db, "hq", "E")
    assert found is not None and found.id == request_id
    assert requests.by_event(db, "branch", "E") is None
    assert requests.by_event(db, "hq", "F") is None


def repeats(db: Connection) -> list[int]:
    return [row[0] for row in db.execute("SELECT repeat FROM request_pairs ORDER BY id")]


def test_asking_again_for_a_missing_pair_is_counted(db: Connection) -> None:
    for number, ending in enumerate(("missing", "missing", "failed", "missing", "confirmed")):
        settle(db, make_request(db, A, now=NOW + number), A, state=ending)
    settle(db, make_request(db, B), B, state="missing")
    want(db, A)
    assert repeats(db) == [0, 1, 2, 0, 1, 0, 0]


def test_refusals_in_a_row_are_counted(db: Connection) -> None:
    def refuse(number: int, at: float, ending: str = "failed") -> None:
        request_id = make_request(db, A, now=at)
        settle(db, request_id, A, state=ending, error_number=number, now=at)

    assert history.refusals(db, "hq", A, 0.0) == 0
    refuse(9603, NOW)
    refuse(9603, NOW + 1)
    assert history.refusals(db, "hq", A, 0.0) == 2
    assert history.refusals(db, "hq", A, NOW + 1) == 1, "the round that counts"
    assert history.refusals(db, "hq", B, 0.0) == 0
    refuse(9709, NOW + 2)
    assert history.refusals(db, "hq", A, 0.0) == 0, "to have no seat is no fault"
    refuse(9603, NOW + 3)
    assert history.refusals(db, "hq", A, 0.0) == 1
    refuse(0, NOW + 4, "confirmed")
    assert history.refusals(db, "hq", A, 0.0) == 0


def ended(
    db: Connection, state: str, at: float, kind: str = "ASSOCIATE", number: int | None = None
) -> None:
    """A request for A that ended like this."""
    request_pairs.want(db, "hq", kind, [A], at)
    request_id = requests.make(db, "hq", kind, Rectangle((PAGES,), ("A",)), at)
    assert request_id is not None
    settle(db, request_id, A, state=state, now=at, error_number=number)


def taken(db: Connection, since: float = 0.0, *, who: Pair = A) -> int:
    return history.times_taken(db, "hq", who, since)


def test_what_others_take_away_is_counted_if_we_had_asked_for_it(db: Connection) -> None:
    request_pairs.taken_away(db, "hq", [A], NOW)
    assert taken(db) == 0, "we never asked for it"
    for number in range(2):
        ended(db, "confirmed", NOW + number)
        request_pairs.taken_away(db, "branch", [A], NOW)
        request_pairs.taken_away(db, "hq", [A, B], NOW + 10 * number)
        request_pairs.taken_away(db, "hq", [A], NOW + 99)
    assert (taken(db), taken(db, NOW + 10), taken(db, NOW + 11)) == (2, 1, 0)
    assert taken(db, who=B) == taken(db, who=Pair(PLUS, "A")) == 0
    ended(db, "failed", NOW + 20)
    request_pairs.taken_away(db, "hq", [A], NOW + 30)
    assert taken(db, NOW + 11) == 0, "it was not given"
    ended(db, "confirmed", NOW + 40)
    ended(db, "confirmed", NOW + 41, "DISASSOCIATE")
    request_pairs.taken_away(db, "hq", [A], NOW + 42)
    assert taken(db, NOW + 11) == 0, "it was us"


def test_refusals_to_take_a_licence_back_are_counted(db: Connection) -> None:
    ended(db, "confirmed", NOW)
    for number in range(3):
        ended(db, "failed", NOW + 1 + number, "DISASSOCIATE", 9603)
    assert history.release_refusals(db, "hq", A) == 3
    assert history.release_refusals(db, "hq", B) == 0
    assert history.refusals(db, "hq", A, 0.0) == 0, "asking for it is another matter"
    ended(db, "confirmed", NOW + 9)
    assert history.release_refusals(db, "hq", A) == 0


def test_a_look_is_noted_for_what_was_refused(db: Connection) -> None:
    ended(db, "failed", NOW)
    make_request(db, B)
    request_pairs.looked(db, "hq", [A, B], NOW + 5)
    found = newest(db, "A", "B")
    assert (found[A].looked_at, found[B].looked_at) == (NOW + 5, None)


def test_a_licence_that_went_back_is_a_seat_more(db: Connection) -> None:
    ended(db, "confirmed", NOW - 9)
    ended(db, "confirmed", NOW, "DISASSOCIATE")
    assert history.seats_taken_since(db, "hq", PAGES, NOW) == -1
    assert history.seats_taken_since(db, "hq", PAGES, NOW + 1) == 0
    request_pairs.want(db, "hq", "DISASSOCIATE", [B], NOW)
    assert history.seats_taken_since(db, "hq", PAGES, NOW) == -1, "only when it is back"


def test_old_pairs_go_but_the_newest_of_each_kind_stays(db: Connection) -> None:
    for number in range(3):
        ended(db, "confirmed", NOW - 10 + number)
        ended(db, "confirmed", NOW - 10 + number, "DISASSOCIATE")
    settle(db, make_request(db, B, now=NOW), B, now=NOW)
    prune(db, NOW - 9, RetentionPolicy(outbox=0.0))
    rows = [tuple(row) for row in db.execute(
        "SELECT kind, target, settled_at FROM request_pairs ORDER BY id"
    )]  # fmt: skip
    both = ("ASSOCIATE", "DISASSOCIATE")
    assert rows == [
        *((kind, "A", NOW - 10 + number) for number in (1, 2) for kind in both),
        ("ASSOCIATE", "B", NOW),
    ]
    prune(db, NOW + 1, RetentionPolicy(outbox=0.0))
    assert states(db) == ["confirmed"] * 3


def test_the_newest_request_for_a_pair_counts(db: Connection) -> None:
    first = make_request(db, A, B)
    settle(db, first, A, state="failed", error_number=9603)
    requests.update(db, first, apple_event_id="E")
    want(db, A, now=NOW + 9)
    found = newest(db, "A", "B", "Z")
    assert set(found) == {A, B}
    assert (found[A].state, found[A].ready_at, found[A].request_state) == (
        "collected",
        NOW + 9,
        None,
    )
    assert (found[B].state, found[B].apple_event_id, found[B].submitted_at) == ("open", "E", NOW)
    assert newest(db, "A", location="branch") == {}
    assert newest(db, "A", kind="DISASSOCIATE") == {}
    trail = history.history(db, "hq", A)
    assert [(asked.state, asked.error_number) for asked in trail] == [
        ("failed", 9603),
        ("collected", None),
    ]


@pytest.mark.parametrize(
    ("ending", "at", "taken"),
    [
        (None, 0, 1),
        ("confirmed", -1, 0),
        ("confirmed", 0, 1),
        ("confirmed", 1, 1),
        ("failed", 1, 0),
        ("missing", 1, 0),
        ("withdrawn", 1, 0),
    ],
)
def test_seats_that_a_count_does_not_show(
    db: Connection, ending: str | None, at: float, taken: int
) -> None:
    request_id = make_request(db, A)
    make_request(db, pair("A", KEYNOTE))
    if ending is not None:
        settle(db, request_id, A, state=ending, now=NOW + at)
    assert history.seats_taken_since(db, "hq", PAGES, NOW) == taken
    assert history.seats_taken_since(db, "branch", PAGES, NOW) == 0
    assert history.seats_taken_since(db, "hq", PLUS, NOW) == 0
