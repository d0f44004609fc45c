"""Inbound messages, and the calls that are intended: what is unique, what comes next."""

from dataclasses import replace

import pytest

from bridge.domain.policy import RetentionPolicy
from bridge.store import agenda, events, meta
from bridge.store.database import Connection
from bridge.store.inbox.message import Arrived, NewMessage
from bridge.store.inbox.waiting import NOTHING
from bridge.store.outbox import outbox
from tests.unit.store_kit import NOW, intend, prune, take, value

WEBHOOK = NewMessage("mdm", "main", "mdm.Connect", "", "id-1", b"{}", udid="U", command_uuid="C")
NOTICE = NewMessage(
    "apple", "hq", "ASSET_COUNT", "7 ASSET_COUNT", "id-1", b"{}", apple_event_id="E"
)
DAY = 86400.0


def test_a_message_is_taken_in_once(db: Connection) -> None:
    assert take(db, WEBHOOK, NOW)
    assert not take(db, replace(WEBHOOK, body=b"other", topic="t"), NOW + 5)
    (stored,) = events.next_new(db, NOW, 10)
    assert (stored.body, stored.topic, stored.received_at) == (b"{}", "mdm.Connect", NOW)
    assert (stored.udid, stored.command_uuid, stored.tries) == ("U", "C", 0)


def test_of_many_that_are_taken_together_each_is_one_though_it_came_twice(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of those that are the same counts, in whatever order the database tells of them."""
    monkeypatch.setattr(events, "_SEEN_AT_ONCE", 4)
    take(db, replace(WEBHOOK, message_id="came before"), NOW)
    ids = ["a", "came before", "b", "a", "n\0l", "c", "b", "d", "e", "n\0l", "came before"]
    arrived = [
        Arrived(
            100 + place, "mdm", "main", "mdm.Connect", "", name, NOW + place, None, None, None, b""
        )
        for place, name in enumerate(ids)
    ]
    fresh = [event.id for event in events.see(db, arrived, NOW + 50)]
    assert fresh == [100, 102, 104, 105, 107, 108]
    assert events.see(db, arrived, NOW + 60) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(WEBHOOK, message_id="id-2"),
        replace(WEBHOOK, origin="branch"),
        replace(WEBHOOK, kind="7 ASSET_COUNT"),
        replace(WEBHOOK, source="apple"),
        NOTICE,
    ],
)
def test_who_sends_what_of_which_kind_tells_messages_apart(
    db: Connection, other: NewMessage
) -> None:
    assert take(db, WEBHOOK, NOW)
    assert take(db, other, NOW)


def test_an_unreadable_message_is_only_evidence(db: Connection) -> None:
    assert take(db, WEBHOOK, NOW, status="ignored", error="no plist")
    assert events.next_new(db, NOW + DAY, 10) == []
    assert agenda.look(db, NOW).messages_at is None
    assert value(db, "SELECT status FROM events") == "ignored"


def test_the_oldest_are_processed_first(db: Connection) -> None:
    for number in range(5):
        take(db, replace(WEBHOOK, message_id=f"{number}"), NOW - number)
    assert [e.message_id for e in events.next_new(db, NOW, 3)] == ["4", "3", "2"]
    assert [e.message_id for e in events.next_new(db, NOW - 4, 3)] == ["4"]
    assert events.backlog(db, NOTHING) == (5, NOW - 4, 0)
    assert agenda.look(db, NOW).messages_at == NOW - 4


def test_a_message_that_was_processed_is_done(db: Connection) -> None:
    take(db, WEBHOOK, NOW)
    (event,) = events.next_new(db, NOW, 1)
    events.fail(db, event.id, NOW, "first", NOW + 1)
    events.finish(db, event.id, NOW + 1, "enrolled")
    assert events.next_new(db, NOW + DAY, 1) == []
    row = db.execute("SELECT status, outcome, error, tries, processed_at FROM events").fetchone()
    assert tuple(row) == ("done", "enrolled", None, 1, NOW + 1)
    (trail,) = events.by_command(db, ["C", "D"])
    assert (trail["id"], trail["outcome"]) == (event.id, "enrolled")


def test_a_message_that_fails_is_tried_again_and_then_set_aside(db: Connection) -> None:
    take(db, WEBHOOK, NOW)
    (event,) = events.next_new(db, NOW, 1)
    events.fail(db, event.id, NOW, "KeyError: x", NOW + 10)
    assert events.next_new(db, NOW + 9, 1) == []
    assert agenda.look(db, NOW).messages_at == NOW + 10
    (again,) = events.next_new(db, NOW + 10, 1)
    assert (again.tries, again.error) == (1, "KeyError: x")
    events.fail(db, event.id, NOW + 10, "KeyError: y", None)
    assert events.next_new(db, NOW + DAY, 1) == []
    assert events.backlog(db, NOTHING) == (0, None, 1)


def test_notifications_are_found_by_their_event(db: Connection) -> None:
    for number, origin in enumerate(["hq", "hq", "branch"]):
        take(db, replace(NOTICE, message_id=f"{number}", origin=origin), NOW)
    take(db, replace(NOTICE, message_id="9", apple_event_id="F"), NOW)
    assert [e.message_id for e in events.by_apple_event(db, "hq", "E")] == ["0", "1"]


def test_apples_duplicates_are_known_for_longer_than_the_evidence_is_kept(db: Connection) -> None:
    take(db, WEBHOOK, NOW)
    take(db, NOTICE, NOW)
    (_, event) = events.next_new(db, NOW, 2)
    events.finish(db, event.id, NOW, "done")
    later = NOW + 31 * DAY
    prune(db, later)
    assert [e.source for e in events.next_new(db, later, 9)] == ["mdm"], "not yet processed"
    assert not take(db, NOTICE, later), "gone, but not forgotten"
    prune(db, NOW + 400 * DAY + 1)
    assert take(db, NOTICE, later)


def test_a_webhooks_duplicates_are_known_for_a_week(db: Connection) -> None:
    take(db, WEBHOOK, NOW, status="done")
    prune(db, NOW + 7 * DAY)
    assert not take(db, WEBHOOK, NOW + 7 * DAY)
    prune(db, NOW + 7 * DAY + 1)
    assert take(db, WEBHOOK, NOW + 7 * DAY + 1)


def test_evidence_is_kept_to_the_second(db: Connection) -> None:
    take(db, WEBHOOK, NOW, status="done")
    retention = RetentionPolicy(events=10.0, mdm_duplicates=11.0)
    prune(db, NOW + 10, retention)
    assert value(db, "SELECT count(*) FROM events") == 1
    assert value(db, "SELECT count(*) FROM seen_messages") == 1
    prune(db, NOW + 11, retention)
    assert value(db, "SELECT count(*) FROM events") == 0
    assert value(db, "SELECT count(*) FROM seen_messages") == 1


def claim(db: Connection, now: float = NOW, limit: int = 9, scope: str = "hq") -> list[str]:
    return [row.key for row in outbox.claim(db, now, limit, "apple", scope)]


def test_the_same_call_is_intended_once(db: Connection) -> None:
    first = intend(db, key="a", due_at=NOW + 50)
    assert intend(db, key="a", due_at=NOW + 90, subject="other") == first
    assert agenda.look(db, NOW).calls_at == NOW + 50, "never put off"
    assert intend(db, key="a", due_at=NOW + 10) == first
    assert agenda.look(db, NOW).calls_at == NOW + 10, "hastened"
    others = {
        intend(db, key="b"),
        intend(db, key="a", kind="register"),
        intend(db, key="a", scope="branch"),
        intend(db, key="a", service="mdm"),
    }
    assert len(others | {first}) == 5


def test_a_call_under_way_is_not_intended_twice_and_a_settled_one_may_be(db: Connection) -> None:
    first = intend(db, key="a")
    assert claim(db) == ["a"]
    assert intend(db, key="a") == first
    assert claim(db) == []
    outbox.done(db, first, NOW)
    second = intend(db, key="a")
    assert second != first
    outbox.failed(db, second, NOW, "no")
    assert intend(db, key="a") not in (first, second)


def test_a_call_that_failed_and_waits_is_not_hastened(db: Connection) -> None:
    first = intend(db, key="a")
    claim(db)
    outbox.again(db, first, NOW + 600, "HTTP 503")
    intend(db, key="a")
    assert agenda.look(db, NOW).calls_at == NOW + 600


def test_the_oldest_due_calls_of_one_scope_are_claimed(db: Connection) -> None:
    for key, due in [("late", 5), ("b", 0), ("a", -3), ("c", 0), ("d", 0)]:
        intend(db, key=key, due_at=NOW + due)
    intend(db, key="other", scope="branch")
    assert claim(db, limit=3) == ["a", "b", "c"]
    assert claim(db) == ["d"], "each only once"
    assert claim(db) == []
    assert claim(db, scope="branch") == ["other"]
    assert outbox.due_by_scope(db) == {("apple", "hq"): NOW + 5}
    assert outbox.open_counts(db) == {("apple", "hq"): 5, ("apple", "branch"): 1}


def test_a_claim_is_a_mark_that_stays(db: Connection) -> None:
    row_id = intend(db, key="a", subject="{}")
    (row,) = outbox.claim(db, NOW + 1, 1, "apple", "hq")
    assert (row.id, row.state, row.claimed_at, row.tries) == (row_id, "claimed", NOW + 1, 1)
    assert [r.id for r in outbox.claimed(db)] == [row_id]
    outbox.again(db, row_id, NOW + 20, "timeout")
    assert outbox.claimed(db) == []
    assert claim(db, NOW + 19) == []
    (again,) = outbox.claim(db, NOW + 20, 1, "apple", "hq")
    assert (again.tries, again.error) == (2, "timeout")


def test_a_call_is_slowed_down_only_if_it_is_made_again(db: Connection) -> None:
    waiting, settled = intend(db, key="a"), intend(db, key="b")
    outbox.done(db, settled, NOW)
    for row_id in (waiting, settled):
        outbox.slow_down(db, row_id, NOW + 99, "broken")
    assert agenda.look(db, NOW).calls_at == NOW + 99
    assert outbox.trouble(db, "apple", "hq") == "broken"
    assert outbox.trouble(db, "apple", "branch") is None
    assert value(db, "SELECT error FROM outbox WHERE id = ?", settled) is None


def test_only_what_was_settled_long_ago_is_forgotten(db: Connection) -> None:
    old, new, waiting = intend(db, key="a"), intend(db, key="b"), intend(db, key="c")
    outbox.done(db, old, NOW - 1)
    outbox.failed(db, new, NOW, "no")
    prune(db, NOW, RetentionPolicy(outbox=0.0))
    left = [row[0] for row in db.execute("SELECT id FROM outbox ORDER BY id")]
    assert left == [new, waiting]


def test_an_id_is_never_used_twice(db: Connection) -> None:
    last = [intend(db, key=str(number)) for number in range(3)][-1]
    for number in range(1, last + 1):
        outbox.done(db, number, NOW - 1)
    prune(db, NOW, RetentionPolicy(outbox=0.0))
    assert intend(db) > last, "a request to Apple bears its row's id, and stays"


def test_jobs_are_hastened_and_planned(db: Connection) -> None:
    meta.hasten_job(db, "assets:hq", NOW + 50)
    meta.hasten_job(db, "assets:hq", NOW + 60)
    assert agenda.look(db, NOW).jobs_at == NOW + 50
    meta.hasten_job(db, "assets:hq", NOW + 40)
    meta.plan_job(db, "config:hq", NOW + 40)
    assert meta.due_jobs(db, NOW + 39) == []
    assert meta.due_jobs(db, NOW + 40) == ["assets:hq", "config:hq"]
    meta.plan_job(db, "assets:hq", NOW + 90)
    assert meta.due_jobs(db, NOW + 40) == ["config:hq"]
    meta.forget_job(db, "config:hq")
    assert agenda.look(db, NOW).jobs_at == NOW + 90


def test_small_things_that_are_remembered(db: Connection) -> None:
    assert meta.recall(db, "x") is None
    meta.keep(db, "x", "1")
    meta.keep(db, "x", "2")
    assert meta.recall(db, "x") == "2"
    assert meta.instance_id(db) == meta.instance_id(db)
    meta.count(db, "b", NOW)
    meta.count(db, "a", NOW, 3)
    meta.count(db, "b", NOW)
    assert list(meta.counters(db).items()) == [("a", 3), ("b", 2)]
