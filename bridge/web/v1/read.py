"""The calls that only read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from werkzeug.exceptions import NotFound

from bridge.domain.audit import Action
from bridge.domain.drift import DriftKind
from bridge.domain.model import CommandState, InstallState
from bridge.domain.pauses import by_request
from bridge.domain.users.facts import UserState
from bridge.domain.views import Page
from bridge.domain.views.alerts import Alert
from bridge.domain.views.audit import AuditEntry
from bridge.domain.views.devices import Device
from bridge.domain.views.drift import Drifts
from bridge.domain.views.installs import SECRETS as INSTALL_SECRETS
from bridge.domain.views.installs import ExplainedInstall, Install
from bridge.domain.views.licences import Asset, Assignment, Location
from bridge.domain.views.members import Reason
from bridge.domain.views.subscriptions import Subscription
from bridge.domain.views.traffic import Command, Event, Outgoing
from bridge.domain.views.users import SECRETS, User
from bridge.domain.vocabulary import AlertState, EventSource, EventStatus, OutboxState, Service
from bridge.web.ports import Bridge
from bridge.web.v1 import forms
from bridge.web.v1.endpoint import Answer, Endpoint, Reply
from bridge.web.v1.forms import words
from bridge.web.v1.request import Request, as_dict
from bridge.web.v1.responses import page_of
from bridge.web.v1.schema import Object

UNKNOWN_PAIR = "This app is not, and was not, wanted on this device."


class OfPair(Request, frozen=True):
    """One app on one device."""

    serial: Annotated[forms.Serial, "The device's serial number, in any case."]
    adam_id: Annotated[forms.AdamId, "The app's number in the App Store."]


class Paging(Request, frozen=True, kw_only=True):
    """Which page of a list."""

    limit: Annotated[forms.Limit, "How many items at most."] = 100
    cursor: Annotated[forms.Cursor | None, "`next_cursor` of the page before."] = None


_Device = Annotated[forms.Serial | None, "Only of this device."]
_App = Annotated[forms.AdamId | None, "Only of this app."]
_Location = Annotated[forms.Name | None, "Only of this location."]
_InstallState = Annotated[InstallState, words("state", InstallState)]
_CommandState = Annotated[CommandState, words("state", CommandState)]
_OutboxState = Annotated[OutboxState, words("state", OutboxState)]
_Reason = Annotated[Reason, words("reason", Reason, upper=True)]
_AlertState = Annotated[AlertState, words("state", AlertState)]
_EventSource = Annotated[EventSource, words("source", EventSource)]
_EventStatus = Annotated[EventStatus, words("status", EventStatus)]
_UserState = Annotated[UserState, words("state", UserState)]
_Service = Annotated[Service, words("service", Service)]
_DriftKind = Annotated[DriftKind, words("kind", DriftKind)]
_Server = Annotated[forms.Name | None, "Only of this MDM server."]


class ListInstalls(Paging, frozen=True):
    """Which installs."""

    serial: _Device = None
    adam_id: _App = None
    state: Annotated[_InstallState | None, "Only of this state."] = None
    reason: Annotated[_Reason | None, "Only of this reason."] = None
    needs_someone: Annotated[
        forms.Flag | None, "Only those that go no further before somebody acts, or that do."
    ] = None
    group: Annotated[forms.Name | None, "Only of this group's devices, as last applied."] = None


class ListDevices(Paging, frozen=True):
    """Which devices."""

    serial: _Device = None
    server: _Server = None
    enrolled: Annotated[forms.Flag | None, "Only those that are enrolled, or that are not."] = None


class ListAssets(Paging, frozen=True):
    """Which assets."""

    location: _Location = None
    adam_id: _App = None


class ListAssignments(Paging, frozen=True):
    """Which licences in use."""

    location: _Location = None
    adam_id: _App = None
    serial: _Device = None
    unwanted: Annotated[forms.Flag | None, "Only those that nothing wants there, or does."] = None


class ListSubscriptions(Paging, frozen=True):
    """Which subscriptions."""

    location: _Location = None
    adam_id: Annotated[forms.AdamId | None, "Only this subscription, or those of this app."] = None
    client_user_id: Annotated[
        forms.ClientUserId | None, "Only those of which this user is known, and only that user."
    ] = None


class ListDrift(Paging, frozen=True):
    """What of all that disagrees."""

    kind: Annotated[_DriftKind | None, "Only of this kind."] = None
    serial: _Device = None
    adam_id: _App = None
    foreign: Annotated[
        forms.Flag | None, "Also what is about licences that people or other tools assigned."
    ] = None


class ListUsers(Paging, frozen=True):
    """Which users."""

    location: _Location = None
    client_user_id: Annotated[forms.ClientUserId | None, "Only this user."] = None
    state: Annotated[_UserState | None, "Only of this state."] = None
    serial: Annotated[forms.Serial | None, "Only whose this device is."] = None
    wanted: Annotated[
        forms.Flag | None, "Only those that the file names, as last applied, or the others."
    ] = None


class ListAlerts(Paging, frozen=True):
    """Which alerts."""

    state: Annotated[_AlertState | None, "Only those that fire, or that are over."] = None


class ListEvents(Paging, frozen=True):
    """Which messages."""

    source: Annotated[_EventSource | None, "Only of this source."] = None
    topic: Annotated[forms.Topic | None, "Only of this topic or notification type."] = None
    status: Annotated[_EventStatus | None, "Only of this status."] = None


class ListOutbox(Paging, frozen=True):
    """Which calls to Apple, the MDM servers and receivers of alerts."""

    service: Annotated[_Service | None, "Only of this service."] = None
    scope: Annotated[forms.Scope | None, "Only of this location, server or receiver."] = None
    kind: Annotated[forms.CallKind | None, "Only of this kind."] = None
    state: Annotated[_OutboxState | None, "Only of this state."] = None


class ListCommands(Paging, frozen=True):
    """Which MDM commands."""

    serial: _Device = None
    server: _Server = None
    request_type: Annotated[forms.RequestType | None, "Only of this request type."] = None
    state: Annotated[_CommandState | None, "Only of this state."] = None


class ListAudit(Paging, frozen=True):
    """Which changes."""

    who: Annotated[forms.Who | None, "Only of this key or local user, by its name."] = None
    action: Annotated[Annotated[Action, words("action", Action)] | None, "Only this was done."] = (
        None
    )
    since: Annotated[
        forms.Since | None, "Only since then: how long ago, like 7d, or a day or a time."
    ] = None
    serial: Annotated[forms.Serial | None, "Only about this device."] = None
    adam_id: Annotated[forms.AdamId | None, "Only about this app."] = None


def _list(
    name: str,
    item: Object,
    says: str,
    asks: type[Paging],
    ask: Callable[[Bridge], Callable[..., Page[Any]]],
    secrets: tuple[str, ...] = (),
) -> Endpoint[Any]:
    def handle(bridge: Bridge, asked: Paging) -> Reply:
        page = ask(bridge)(**as_dict(asked))
        return Reply(200, {name: page.items, "next_cursor": page.next_cursor})

    answers = (Answer(200, "A page.", page_of(name, item)),)
    path, script = f"/v1/{name}", f"get_{name}"
    return Endpoint("GET", path, script, "read", None, says, asks, handle, answers, secrets=secrets)


def _get_install(bridge: Bridge, asked: OfPair) -> Reply:
    found = bridge.get_install(asked.serial, asked.adam_id, by_request)
    if found is None:
        raise NotFound(UNKNOWN_PAIR)
    return Reply(200, found)


def _list_drift(bridge: Bridge, asked: ListDrift) -> Reply:
    page = bridge.list_drift(**as_dict(asked))
    found = {"drift": page.items, "blind": bridge.drift_blind(), "next_cursor": page.next_cursor}
    return Reply(200, found)


READING: tuple[Endpoint[Any], ...] = (
    _list(
        "installs",
        Install,
        "Lists installs, by serial number and adam id.",
        ListInstalls,
        lambda bridge: partial(bridge.list_installs, way=by_request),
    ),
    Endpoint(
        "GET",
        "/v1/installs/{serial}/{adam_id}",
        "get_install",
        "read",
        None,
        "Explains one app on one device.",
        OfPair,
        _get_install,
        (Answer(200, "The install, why it is so, and what happened.", ExplainedInstall),),
        refusals={404: UNKNOWN_PAIR},
        secrets=INSTALL_SECRETS,
    ),
    _list(
        "devices",
        Device,
        "Lists the devices that an MDM server showed.",
        ListDevices,
        lambda bridge: bridge.list_devices,
    ),
    _list(
        "assets",
        Asset,
        "Lists what the locations own, with their seats.",
        ListAssets,
        lambda bridge: bridge.list_assets,
    ),
    _list(
        "assignments",
        Assignment,
        "Lists the licences in use, whoever assigned them.",
        ListAssignments,
        lambda bridge: bridge.list_assignments,
    ),
    _list(
        "subscriptions",
        Subscription,
        "Lists subscriptions with Apple's counts, each with who has it.",
        ListSubscriptions,
        lambda bridge: bridge.list_subscriptions,
    ),
    Endpoint(
        "GET",
        "/v1/drift",
        "get_drift",
        "read",
        None,
        "Lists what disagrees, by device, app and kind, with what mends it.",
        ListDrift,
        _list_drift,
        (Answer(200, "A page.", Drifts),),
    ),
    _list(
        "users",
        User,
        "Lists registered users. Only a key with the role operate or more sees invite codes and "
        "links.",
        ListUsers,
        lambda bridge: bridge.list_users,
        secrets=SECRETS,
    ),
    _list(
        "alerts",
        Alert,
        "Lists what is wrong, or was lately, each with who was told of it.",
        ListAlerts,
        lambda bridge: bridge.list_alerts,
    ),
    _list(
        "locations",
        Location,
        "Lists the locations of the content tokens.",
        Paging,
        lambda bridge: bridge.list_locations,
    ),
    _list(
        "events",
        Event,
        "Lists the messages that came in, without their bodies, the newest first.",
        ListEvents,
        lambda bridge: bridge.list_events,
    ),
    _list(
        "outbox",
        Outgoing,
        "Lists the calls to Apple and the MDM servers, the newest first.",
        ListOutbox,
        lambda bridge: bridge.list_outbox,
    ),
    _list(
        "commands",
        Command,
        "Lists the bridge's MDM commands, the newest first.",
        ListCommands,
        lambda bridge: bridge.list_commands,
    ),
    _list(
        "audit",
        AuditEntry,
        "Lists who changed what, the newest first.",
        ListAudit,
        lambda bridge: bridge.list_audit,
    ),
)
