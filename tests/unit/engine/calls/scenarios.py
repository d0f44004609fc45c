"""A scenario for every kind of call; a kind without one fails the suite by its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from bridge.clients.apple.replies import (
    ClientConfig,
    Envelope,
    EventReply,
    Limits,
    MdmInfo,
    ServiceConfig,
    StatusReply,
)
from bridge.clients.mdm.port import NO_ABILITIES
from bridge.clients.metadata import AppMetadata
from bridge.domain.alerts.standing import Standing
from bridge.domain.licences.batch import rectangles
from bridge.domain.pauses import SCOPES
from bridge.domain.users.facts import ChangeKind
from bridge.engine.calls import Call, alerts
from bridge.engine.calls.alerts import SendAlert
from bridge.engine.calls.assignments import ReadDevice, ReadRequest
from bridge.engine.calls.changes import ReadChanges
from bridge.engine.calls.claim import Claim
from bridge.engine.calls.devices import ReadDevices, ReadEnrolments
from bridge.engine.calls.licences import Associate, Disassociate, EventStatus
from bridge.engine.calls.locations import ReadAssets, ReadAssignments, ReadClientConfig, ReadLimits
from bridge.engine.calls.mdm import LookAtQueue, Push, ReleaseDevice, SendCommand
from bridge.engine.calls.metadata import ReadMetadata
from bridge.engine.calls.registering import Register, register
from bridge.engine.calls.subscriptions import ReadSubscriptions
from bridge.engine.calls.user_reads import ReadSomeUsers, ReadUserChanges, ReadUsers
from bridge.engine.calls.users import CreateUsers, RetireUsers, UpdateUsers, UserEventStatus
from bridge.engine.commands import by_queue, device_queue
from bridge.engine.enrolments import Found
from bridge.engine.licences import settle
from bridge.engine.licences.foreign_mdm import of_info
from bridge.engine.setup import release
from bridge.engine.users import deciding
from bridge.store import pauses
from bridge.store.alerts import alerts as stored_alerts
from bridge.store.database import Connection
from bridge.store.devices import devices
from bridge.store.licences import locations, request_pairs, requests
from bridge.store.users import changes, users
from bridge.store.users.changes import Change
from bridge.store.users.users import WantedUser
from tests.unit.engine.calls.stage import RECEIVER, SERIAL, Scenario
from tests.unit.engine_kit import context
from tests.unit.store_kit import (
    NOW,
    PAGES,
    make_command,
    make_device,
    make_install,
    make_request,
    pair,
    state,
    value,
)

PAIR = pair(SERIAL)
NOBODY = Envelope(None, None, None)
SOMEBODY = MdmInfo("their-id", "Other MDM")


def scenario_of(call: type[Call], known: Mapping[type[Call], Scenario] | None = None) -> Scenario:
    """The scenario of a kind of call; AssertionError names the one that has none."""
    found = (SCENARIOS if known is None else known).get(call)
    assert found is not None, f"a call of kind {call.kind} has no scenario: say what becomes of it"
    return found


def _newest(db: Connection) -> int:
    return int(value(db, "SELECT max(id) FROM outbox"))


def _client_config(mdm: MdmInfo | None = None) -> ClientConfig:
    return ClientConfig(Envelope(None, mdm, None), None, None, (), "HQ", "CH", None, None)


def _told(before: MdmInfo | None) -> Mapping[str, Any]:
    """Apple as it keeps what it is told."""
    now = [_client_config(before)]

    def tell(
        mdm_info: MdmInfo,
        notification_url: str | None = None,
        notification_token: str = "",
        notification_types: tuple[str, ...] = (),
    ) -> ClientConfig:
        now[0] = replace(
            now[0],
            envelope=Envelope(None, mdm_info, None),
            notification_url=notification_url,
            notification_token_sha256=hashlib.sha256(notification_token.encode()).hexdigest(),
            notification_types=notification_types,
        )
        return now[0]

    return {"client_config": lambda: now[0], "set_client_config": tell}


def _associate(db: Connection) -> int:
    make_install(db, SERIAL)
    return make_request(db, PAIR, sent=False)


def _disassociate(db: Connection) -> int:
    make_install(db, SERIAL)
    request_pairs.want(db, "hq", "DISASSOCIATE", [PAIR], NOW)
    (rectangle,) = rectangles([PAIR], max_assets=25, max_serial_numbers=1000)
    made = requests.make(db, "hq", "DISASSOCIATE", rectangle, NOW)
    assert made is not None
    return made


def _is_doubted(db: Connection) -> bool:
    return str(value(db, "SELECT state FROM apple_requests")) == "in_doubt"


def _is_free(db: Connection) -> bool:
    """Whether the pair is in no request, and may be asked for anew."""
    return value(db, "SELECT count(*) FROM request_pairs WHERE state IN ('wanted', 'open')") == 0


def _event_status(db: Connection) -> int:
    request_id = make_request(db, PAIR)
    requests.update(db, request_id, state="open", apple_event_id="E")
    db.execute("UPDATE outbox SET state = 'done'")
    name = str(request_id)
    return EventStatus.intend(db, "hq", key=name, subject=name, now=NOW)


def _read_request(db: Connection) -> int:
    request_id = make_request(db, PAIR)
    requests.doubt(db, request_id, next_read_at=NOW, detail="")
    db.execute("UPDATE outbox SET state = 'done'")
    name = str(request_id)
    return ReadRequest.intend(db, "hq", key=name, subject=name, now=NOW)


def _read_device(db: Connection) -> int:
    settle.read_soon(context(db), "hq", [PAIR], why="")
    return _newest(db)


def _read_changes(db: Connection) -> int:
    locations.update(db, "hq", assignments_version="v")
    return ReadChanges.intend(db, "hq", now=NOW)


def _users_request(db: Connection, kind: ChangeKind) -> int:
    if kind == "CREATE":
        users.want(db, [WantedUser("hq", "ann", "a@example.org", "own", None)], NOW)
    else:
        users.see(db, "hq", ["ann"], NOW)
    return changes.make(db, "hq", kind, [Change("ann", "a@example.org")], NOW)


def _no_user_is_asked(db: Connection) -> bool:
    """Whether the user is in no request, and may be asked about anew."""
    return value(db, "SELECT count(*) FROM user_changes WHERE state = 'open'") == 0


def _user_event_status(db: Connection) -> int:
    request_id = _users_request(db, "CREATE")
    requests.update(db, request_id, state="open", apple_event_id="E")
    db.execute("UPDATE outbox SET state = 'done'")
    name = str(request_id)
    return UserEventStatus.intend(db, "hq", key=name, subject=name, now=NOW)


def _read_some_users(db: Connection) -> int:
    deciding.look_for(context(db), "hq", ["ann"])
    return _newest(db)


def _read_user_changes(db: Connection) -> int:
    locations.update(db, "hq", users_version="v")
    return ReadUserChanges.intend(db, "hq", now=NOW)


def _register(db: Connection) -> int:
    register(context(db), "hq", "the MDM")
    return _newest(db)


def _claim(db: Connection) -> int:
    subject = json.dumps(asdict(of_info(SOMEBODY)))
    return Claim.intend(db, "hq", key="hq", subject=subject, now=NOW)


def _read_metadata(db: Connection) -> int:
    asked = {"url": "https://x.apple.com", "apps": {PAGES.adam_id: "enterprisestore"}}
    return ReadMetadata.intend(db, "hq", subject=json.dumps(asked | {"country": "us"}), now=NOW)


def _command(db: Connection) -> int:
    make_command(db, "C", make_device(db, SERIAL), install_id=make_install(db, SERIAL))
    assert device_queue.start(context(db), pauses.load(db)) == 1
    return _newest(db)


def _release(db: Connection) -> int:
    device = make_device(db, SERIAL)
    devices.update(db, device.id, setup_since=NOW)
    can = replace(NO_ABILITIES, releases_setup=True)
    release.look(replace(context(db), servers={"main": can}), device.id)
    return _newest(db)


def _released(db: Connection) -> str:
    return str(value(db, "SELECT state FROM commands WHERE request_type = 'DeviceConfigured'"))


def _queue(db: Connection) -> int:
    by_queue.look(context(db), make_device(db, SERIAL))
    return _newest(db)


def _alert(db: Connection) -> int:
    stored_alerts.keep_receivers(db, [RECEIVER])
    standing = Standing("token", "{}", "firing", NOW, "It expires.", NOW, 1, NOW, NOW)
    stored_alerts.keep(db, standing)
    alerts.intend(db, RECEIVER, standing, NOW)
    return _newest(db)


def _push(db: Connection) -> int:
    subject = {"device_id": make_device(db, SERIAL).id, "expiration": int(NOW) + 60}
    return Push.intend(db, "main", key="1", subject=json.dumps(subject), now=NOW)


MANAGE = Scenario(
    _associate,
    lambda: {"associate": EventReply(NOBODY, "E")},
    "associate",
    held_by=SCOPES,
    taken_back=_is_free,
    doubted=_is_doubted,
    let_go=_is_free,
    not_again="what it asked for was settled when it failed",
)
WALK = Scenario(lambda _db: 0, lambda: {"walk_assignments": ()}, "walk_assignments")
REGISTER = Scenario(
    _register, lambda: _told(None), "set_client_config", held_by=("all", "location")
)

USERS = Scenario(
    lambda db: _users_request(db, "CREATE"),
    lambda: {"create_users": EventReply(NOBODY, "E")},
    "create_users",
    held_by=("all", "location"),
    doubted=_is_doubted,
    let_go=_no_user_is_asked,
    not_again="what it asked for was settled when it failed",
)
WALK_USERS = Scenario(lambda _db: 0, lambda: {"walk_users": ()}, "walk_users")

SCENARIOS: Mapping[type[Call], Scenario] = {
    Associate: MANAGE,
    Disassociate: replace(
        MANAGE,
        arrange=_disassociate,
        replies=lambda: {"disassociate": EventReply(NOBODY, "E")},
        acts="disassociate",
    ),
    CreateUsers: USERS,
    UpdateUsers: replace(
        USERS,
        arrange=lambda db: _users_request(db, "UPDATE"),
        replies=lambda: {"update_users": EventReply(NOBODY, "E")},
        acts="update_users",
    ),
    RetireUsers: replace(
        USERS,
        arrange=lambda db: _users_request(db, "RETIRE"),
        replies=lambda: {"retire_users": EventReply(NOBODY, "E")},
        acts="retire_users",
    ),
    UserEventStatus: Scenario(
        _user_event_status,
        lambda: {"status": StatusReply(NOBODY, "COMPLETE", "CREATE", 1, 1, ())},
        "status",
    ),
    ReadUsers: replace(WALK_USERS, arrange=lambda db: ReadUsers.intend(db, "hq", now=NOW)),
    ReadUserChanges: replace(WALK_USERS, arrange=_read_user_changes),
    ReadSomeUsers: replace(WALK_USERS, arrange=_read_some_users),
    EventStatus: Scenario(
        _event_status,
        lambda: {"status": StatusReply(NOBODY, "COMPLETE", "ASSOCIATE", 1, 1, ())},
        "status",
    ),
    ReadRequest: replace(WALK, arrange=_read_request),
    ReadDevice: replace(WALK, arrange=_read_device),
    ReadChanges: replace(WALK, arrange=_read_changes),
    ReadClientConfig: Scenario(
        lambda db: ReadClientConfig.intend(db, "hq", now=NOW),
        lambda: {"client_config": _client_config()},
        "client_config",
    ),
    Register: REGISTER,
    Claim: replace(
        REGISTER,
        arrange=_claim,
        replies=lambda: _told(SOMEBODY),
        taken_back=lambda _db: True,  # the person is told, and says it again
        not_again="taking a location over needs your word: run vpp-bridge claim hq again",
        in_doubt="it is not known whether Apple did it",
    ),
    ReadLimits: Scenario(
        lambda db: ReadLimits.intend(db, "hq", now=NOW),
        lambda: {"service_config": ServiceConfig(Limits(), (), {}, {}), "set_rate": None},
        "service_config",
    ),
    ReadAssets: Scenario(
        lambda db: ReadAssets.intend(db, "hq", now=NOW), lambda: {"walk_assets": ()}, "walk_assets"
    ),
    ReadAssignments: replace(WALK, arrange=lambda db: ReadAssignments.intend(db, "hq", now=NOW)),
    ReadSubscriptions: Scenario(
        lambda db: ReadSubscriptions.intend(db, "hq", now=NOW),
        lambda: {"walk_subscriptions": (), "walk_subscription_holdings": ()},
        "walk_subscriptions",
    ),
    ReadMetadata: Scenario(
        _read_metadata,
        lambda: {"lookup": AppMetadata("Pages", "com.apple.Pages", None, ())},
        "lookup",
    ),
    SendCommand: Scenario(
        _command,
        lambda: {"enqueue": None},
        "enqueue",
        held_by=SCOPES,
        taken_back=lambda db: state(db, "C") == "ready",
        doubted=lambda db: state(db, "C") == "posted",
        let_go=lambda db: state(db, "C") not in ("posting", "posted"),
        not_again="the MDM server may have got it",
    ),
    ReleaseDevice: Scenario(
        _release,
        lambda: {"enqueue": None},
        "enqueue",
        held_by=("all", "serial"),
        taken_back=lambda db: _released(db) == "dropped",
        doubted=lambda db: _released(db) == "posted",
        let_go=lambda db: _released(db) == "dropped",
        not_again="the device is released once more",
    ),
    LookAtQueue: Scenario(_queue, lambda: {"queue": ()}, "queue"),
    Push: Scenario(_push, lambda: {"push": None}, "push", held_by=("all", "serial")),
    SendAlert: Scenario(
        _alert,
        lambda: {"tell": "answered 200"},
        "tell",
        held_when_restored=True,
    ),
    ReadDevices: Scenario(
        lambda db: ReadDevices.intend(db, "main", now=NOW),
        lambda: {"devices": ()},
        "devices",
        held_by=("all",),  # MicroMDM's list is asked for with a POST
    ),
    ReadEnrolments: Scenario(
        lambda db: ReadEnrolments.intend(db, "main", now=NOW),
        lambda: {"read": Found()},
        "read",
        held_by=("all",),
    ),
}
